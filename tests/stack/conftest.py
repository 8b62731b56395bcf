from tests.stack.fixtures import synthesized

__all__ = ["synthesized"]
