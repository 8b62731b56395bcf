"""Mapping templates of API Gateway: the part of the Velocity Template Language that it documents.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html
https://velocity.apache.org/engine/1.7/vtl-reference.html

Understood: `#set`, `#if`/`#elseif`/`#else`, `#foreach`, `#end`, comments, references (`$a`, `${a}`,
`$!a`, properties, method calls, `[index]`), strings with references inside, numbers, lists, maps,
arithmetic, comparison and logic; of the variables `$input`, `$util`, `$context`, `$stageVariables`
and what the template sets. Anything else raises `TemplateError` and names what it met, also where
Velocity would print the reference as it stands: a template that relies on that is a mistake.
"""

import base64
import functools
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class TemplateError(ValueError):
    """A template uses something that is not emulated, or uses it wrongly."""


@dataclass
class Scope:
    """What a template may refer to.

    `body` is the text of the payload; `parameters` maps `path`, `querystring` and `header` to their
    values; `context` is API Gateway's `$context`, which a response template may override in
    `responseOverride`.
    """

    body: str
    parameters: Mapping[str, Mapping[str, str]]
    context: dict[str, Any]
    stage_variables: Mapping[str, str] = field(default_factory=dict)


def render(template: str, scope: Scope) -> str:
    """The template's text with everything resolved."""
    variables: dict[str, Any] = {
        "input": _Input(scope),
        "util": _Util(),
        "context": scope.context,
        "stageVariables": dict(scope.stage_variables),
    }
    out: list[str] = []
    for node in _parsed(template):
        node(variables, out)
    return "".join(out)


Node = Callable[[dict[str, Any], list[str]], None]
Expression = Callable[[dict[str, Any]], Any]


class _Input:
    def __init__(self, scope: Scope) -> None:
        self.body = scope.body
        self._parameters = scope.parameters

    def params(self, name: str | None = None) -> Any:
        if name is None:
            return {kind: dict(found) for kind, found in self._parameters.items()}
        for kind in ("path", "querystring", "header"):
            if name in self._parameters[kind]:
                return self._parameters[kind][name]
        return ""

    def path(self, expression: str) -> Any:
        found = json.loads(self.body)
        if not re.fullmatch(r"\$(\.\w+|\[\d+\]|\['[^']+'\])*", expression):
            raise TemplateError(f"$input.path({expression!r}): only plain property paths are known")
        for name, index, quoted in re.findall(r"\.(\w+)|\[(\d+)\]|\['([^']+)'\]", expression):
            try:
                found = found[int(index)] if index else found[name or quoted]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def json(self, expression: str) -> str:
        return json.dumps(self.path(expression), ensure_ascii=False)


_ESCAPES = {
    '"': '\\"', "'": "\\'", "\\": "\\\\", "/": "\\/",
    "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}  # fmt: skip


class _Util:
    def base64Encode(self, text: Any) -> str:  # noqa: N802
        return base64.b64encode(_text(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:  # noqa: N802
        return base64.b64decode(_text(text)).decode()

    def urlEncode(self, text: Any) -> str:  # noqa: N802
        return urllib.parse.quote_plus(_text(text))

    def urlDecode(self, text: Any) -> str:  # noqa: N802
        return urllib.parse.unquote_plus(_text(text))

    def parseJson(self, text: Any) -> Any:  # noqa: N802
        return json.loads(_text(text))

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802
        return "".join(
            _ESCAPES.get(c, c if " " <= c <= "~" else f"\\u{ord(c):04X}") for c in _text(text)
        )


@dataclass
class _Foreach:
    index: int
    size: int

    @property
    def count(self) -> int:
        return self.index + 1

    @property
    def hasNext(self) -> bool:  # noqa: N802
        return self.count < self.size

    @property
    def first(self) -> bool:
        return self.index == 0

    @property
    def last(self) -> bool:
        return not self.hasNext


def _text(value: Any) -> str:
    if value is None:
        raise TemplateError("a null value is printed or encoded")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _java_replacement(text: str) -> str:
    return re.sub(r"\\(.)|\$(\d)", lambda m: (m[1] and "\\" + m[1]) or f"\\g<{m[2]}>", text)


_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "contains": lambda text, part: _text(part) in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "equals": lambda text, other: text == other,
    "equalsIgnoreCase": lambda text, other: text.lower() == str(other).lower(),
    "length": len,
    "isEmpty": lambda text: not text,
    "trim": str.strip,
    "indexOf": str.find,
    "substring": lambda text, start, end=None: text[start:end],
    "replace": str.replace,
    "replaceAll": lambda text, regex, new: re.sub(regex, _java_replacement(new), text),
    "matches": lambda text, regex: re.fullmatch(regex, text) is not None,
    "split": lambda text, regex: re.split(regex, text),
    "toString": lambda text: text,
}
_MAP_METHODS: dict[str, Callable[..., Any]] = {
    "get": lambda map_, key: map_.get(key),
    "keySet": lambda map_: list(map_),
    "values": lambda map_: list(map_.values()),
    "entrySet": lambda map_: [{"key": key, "value": value} for key, value in map_.items()],
    "containsKey": lambda map_, key: key in map_,
    "put": lambda map_, key, value: map_.update({key: value}) or "",
    "remove": lambda map_, key: map_.pop(key, None),
    "size": len,
    "isEmpty": lambda map_: not map_,
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "get": lambda list_, index: list_[index],
    "size": len,
    "isEmpty": lambda list_: not list_,
    "contains": lambda list_, value: value in list_,
    "add": lambda list_, value: list_.append(value) or True,
}
_OF_TYPE: list[tuple[type, dict[str, Callable[..., Any]]]] = [
    (str, _STRING_METHODS),
    (dict, _MAP_METHODS),
    (list, _LIST_METHODS),
]
_MISSING = object()


def _property(holder: Any, name: str, source: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(name)
    if isinstance(holder, _Input) and name == "body":
        return holder.body
    if isinstance(holder, _Foreach) and not name.startswith("_"):
        found = getattr(holder, name, _MISSING)
        if found is not _MISSING:
            return found
    raise TemplateError(f"{source}: {type(holder).__name__.strip('_')} has no property {name!r}")


def _call(holder: Any, name: str, arguments: list[Any], source: str) -> Any:
    method: Callable[..., Any] | None = None
    if isinstance(holder, _Input) and name in ("params", "path", "json"):
        method = getattr(holder, name)
    elif isinstance(holder, _Util) and not name.startswith("_"):
        method = getattr(holder, name, None)
    else:
        for type_, methods in _OF_TYPE:
            if isinstance(holder, type_) and name in methods:
                method = functools.partial(methods[name], holder)
    if method is None:
        raise TemplateError(f"{source}: {type(holder).__name__.strip('_')} has no method {name}()")
    try:
        return method(*arguments)
    except TemplateError:
        raise
    except Exception as error:
        raise TemplateError(f"{source}: {name}() failed: {error}") from error


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_DIRECTIVE = re.compile(r"#(\{)?([A-Za-z]+)(?(1)\})")


class _Parser:
    """Recursive descent over a template's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def _fail(self, what: str) -> TemplateError:
        line = self._text.count("\n", 0, self._at) + 1
        near = self._text[self._at : self._at + 30].split("\n")[0]
        return TemplateError(f"line {line}: {what} near {near!r}")

    def template(self) -> list[Node]:
        nodes, ended_by = self._block(())
        assert not ended_by
        return nodes

    def _block(self, ends: tuple[str, ...]) -> tuple[list[Node], str]:
        nodes: list[Node] = []
        literal: list[str] = []

        def flush() -> None:
            if literal:
                text = "".join(literal)
                literal.clear()
                nodes.append(lambda _, out: out.append(text))

        while self._at < len(self._text):
            rest = self._text[self._at :]
            if rest.startswith("##"):
                self._at += len(rest.split("\n", 1)[0]) + 1
            elif rest.startswith("#*"):
                end = rest.find("*#")
                if end < 0:
                    raise self._fail("comment without end")
                self._at += end + 2
            elif match := _DIRECTIVE.match(rest):
                name = match[2]
                if name in ends:
                    flush()
                    self._at += match.end()
                    return nodes, name
                self._at += match.end()
                flush()
                nodes.append(self._directive(name))
            elif re.match(r"\$!?\{?[A-Za-z]", rest):
                flush()
                nodes.append(self._printed_reference())
            else:
                literal.append(rest[0])
                self._at += 1
        if ends:
            raise self._fail(f"missing #{ends[-1]}")
        flush()
        return nodes, ""

    def _directive(self, name: str) -> Node:
        if name == "set":
            node = self._set()
        elif name == "if":
            return self._if()
        elif name == "foreach":
            return self._foreach()
        else:
            raise self._fail(f"unknown directive #{name}")
        self._swallow_line_end()
        return node

    def _swallow_line_end(self) -> None:
        """Velocity drops the line end behind a directive that ends its line."""
        match = re.compile(r"[ \t]*\n").match(self._text, self._at)
        if match:
            self._at = match.end()

    def _space(self) -> None:
        match = re.compile(r"\s*").match(self._text, self._at)
        assert match
        self._at = match.end()

    def _accept(self, *tokens: str) -> str | None:
        self._space()
        for token in tokens:
            if self._text.startswith(token, self._at):
                self._at += len(token)
                return token
        return None

    def _expect(self, token: str) -> None:
        if self._accept(token) is None:
            raise self._fail(f"expected {token!r}")

    def _set(self) -> Node:
        self._expect("(")
        self._space()
        if not self._text.startswith("$", self._at):
            raise self._fail("expected a reference to set")
        path, _ = self._reference_parts()
        if any(kind != "property" for kind, _ in path):
            raise self._fail("only variables and properties can be set")
        names = [name for _, name in path]
        self._expect("=")
        value = self._expression()
        self._expect(")")
        reserved = names[0] in ("input", "util", "stageVariables")
        if reserved or (names[0] == "context" and names[1:2] != ["responseOverride"]):
            raise self._fail(f"${'.'.join(names)} cannot be set")

        def assign(variables: dict[str, Any], out: list[str]) -> None:
            del out
            holder = variables
            for name in names[:-1]:
                holder = holder.setdefault(name, {})
            holder[names[-1]] = value(variables)

        return assign

    def _if(self) -> Node:
        branches: list[tuple[Expression, list[Node]]] = []
        otherwise: list[Node] = []
        ended_by = "elseif"
        while ended_by == "elseif":
            self._expect("(")
            condition = self._expression()
            self._expect(")")
            self._swallow_line_end()
            nodes, ended_by = self._block(("elseif", "else", "end"))
            branches.append((condition, nodes))
        if ended_by == "else":
            self._swallow_line_end()
            otherwise, _ = self._block(("end",))
        self._swallow_line_end()

        def choose(variables: dict[str, Any], out: list[str]) -> None:
            fitting = (nodes for condition, nodes in branches if _truth(condition(variables)))
            for node in next(fitting, otherwise):
                node(variables, out)

        return choose

    def _foreach(self) -> Node:
        self._expect("(")
        self._space()
        path, source = self._reference_parts()
        if len(path) != 1:
            raise self._fail(f"{source} is no loop variable")
        name = path[0][1]
        self._expect("in")
        items = self._expression()
        self._expect(")")
        self._swallow_line_end()
        nodes, _ = self._block(("end",))
        self._swallow_line_end()

        def loop(variables: dict[str, Any], out: list[str]) -> None:
            found = items(variables)
            found = list(found.values()) if isinstance(found, dict) else found
            if not isinstance(found, list):
                raise TemplateError(f"#foreach over {type(found).__name__}")
            outer = {key: variables.get(key, _MISSING) for key in (name, "foreach")}
            for index, item in enumerate(found):
                variables[name] = item
                variables["foreach"] = _Foreach(index, len(found))
                variables["velocityCount"] = index + 1
                for node in nodes:
                    node(variables, out)
            for key, value in outer.items():
                variables.pop(key, None)
                if value is not _MISSING:
                    variables[key] = value

        return loop

    def _printed_reference(self) -> Node:
        quiet = self._text.startswith("$!", self._at)
        expression, source = self._reference()

        def print_it(variables: dict[str, Any], out: list[str]) -> None:
            value = expression(variables)
            if value is None:
                if quiet:
                    return
                raise TemplateError(f"{source} is null or undefined")
            out.append(_text(value))

        return print_it

    def _reference(self) -> tuple[Expression, str]:
        path, source = self._reference_parts()
        root = path[0][1]
        steps = path[1:]

        def evaluate(variables: dict[str, Any]) -> Any:
            if root not in variables:
                return None
            value = variables[root]
            for kind, step in steps:
                if value is None:
                    return None
                if kind == "property":
                    value = _property(value, step, source)
                elif kind == "index":
                    key = step(variables)
                    value = value.get(key) if isinstance(value, dict) else value[key]
                else:
                    name, arguments = step
                    value = _call(value, name, [one(variables) for one in arguments], source)
            return value

        return evaluate, source

    def _reference_parts(self) -> tuple[list[tuple[str, Any]], str]:
        start = self._at
        match = re.compile(r"\$!?(\{)?").match(self._text, self._at)
        if match is None:
            raise self._fail("expected a reference")
        self._at = match.end()
        parts: list[tuple[str, Any]] = [("property", self._identifier())]
        while True:
            if self._text.startswith(".", self._at) and _IDENTIFIER.match(self._text, self._at + 1):
                self._at += 1
                name = self._identifier()
                if self._text.startswith("(", self._at):
                    self._at += 1
                    parts.append(("call", (name, self._list(")"))))
                else:
                    parts.append(("property", name))
            elif self._text.startswith("[", self._at) and len(parts) > 0 and self._indexed():
                self._at += 1
                index = self._expression()
                self._expect("]")
                parts.append(("index", index))
            else:
                break
        if match[1]:
            self._expect("}")
        return parts, self._text[start : self._at]

    def _indexed(self) -> bool:
        return re.compile(r"\[\s*[\d\"'$]").match(self._text, self._at) is not None

    def _identifier(self) -> str:
        match = _IDENTIFIER.match(self._text, self._at)
        if match is None:
            raise self._fail("expected a name")
        # A hyphen belongs to a name only when something follows it.
        name = match[0].rstrip("-")
        self._at += len(name)
        return name

    def _list(self, end: str) -> list[Expression]:
        found: list[Expression] = []
        if self._accept(end):
            return found
        while True:
            found.append(self._expression())
            if self._accept(end):
                return found
            self._expect(",")

    def _expression(self) -> Expression:
        return self._binary(0)

    def _binary(self, level: int) -> Expression:
        if level == len(_OPERATORS):
            return self._unary()
        left = self._binary(level + 1)
        while (token := self._accept(*_OPERATORS[level])) is not None:
            left = _apply(token, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        self._space()
        if self._text.startswith("!", self._at) and not self._text.startswith("!=", self._at):
            self._at += 1
            inner = self._unary()
            return lambda variables: not _truth(inner(variables))
        return self._primary()

    def _primary(self) -> Expression:
        self._space()
        rest = self._text[self._at :]
        if rest.startswith("$"):
            return self._reference()[0]
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._accept("["):
            items = self._list("]")
            return lambda variables: [item(variables) for item in items]
        if self._accept("{"):
            return self._map()
        if match := re.match(r"-?\d+(\.\d+)?", rest):
            self._at += match.end()
            number = float(match[0]) if match[1] else int(match[0])
            return lambda _: number
        if match := re.match(r"(true|false|null)\b", rest):
            self._at += match.end()
            constant = {"true": True, "false": False, "null": None}[match[1]]
            return lambda _: constant
        if match := re.match(r"'((?:[^']|'')*)'", rest):
            self._at += match.end()
            plain = match[1].replace("''", "'")
            return lambda _: plain
        if match := re.match(r'"((?:[^"]|"")*)"', rest):
            self._at += match.end()
            nodes = _Parser(match[1].replace('""', '"')).template()

            def interpolate(variables: dict[str, Any]) -> str:
                out: list[str] = []
                for node in nodes:
                    node(variables, out)
                return "".join(out)

            return interpolate
        raise self._fail("expected a value")

    def _map(self) -> Expression:
        pairs: list[tuple[Expression, Expression]] = []
        while not self._accept("}"):
            if pairs:
                self._expect(",")
            key = self._expression()
            self._expect(":")
            pairs.append((key, self._expression()))
        return lambda variables: {key(variables): value(variables) for key, value in pairs}


_OPERATORS = (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))


def _truth(value: Any) -> bool:
    """Only null and false are false in Velocity."""
    return value is not None and value is not False


def _apply(token: str, left: Expression, right: Expression) -> Expression:
    if token == "||":
        return lambda variables: _truth(left(variables)) or _truth(right(variables))
    if token == "&&":
        return lambda variables: _truth(left(variables)) and _truth(right(variables))

    def compute(variables: dict[str, Any]) -> Any:
        a, b = left(variables), right(variables)
        if token in ("==", "!="):
            same = a == b or (type(a) is not type(b) and str(a) == str(b))
            return same == (token == "==")
        if token == "+" and (isinstance(a, str) or isinstance(b, str)):
            return _text(a) + _text(b)
        if not all(isinstance(one, int | float) for one in (a, b)):
            raise TemplateError(f"{a!r} {token} {b!r}: both must be numbers")
        return _ARITHMETIC[token](a, b)

    return compute


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if isinstance(a, int) and isinstance(b, int) else a / b,
    "%": lambda a, b: a % b,
}


@functools.lru_cache(maxsize=64)
def _parsed(template: str) -> tuple[Node, ...]:
    return tuple(_Parser(template).template())
