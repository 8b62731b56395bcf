from tests.policies.documents import pipeline
from tests.stack.fixtures import synthesized

__all__ = ["pipeline", "synthesized"]
