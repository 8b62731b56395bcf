"""DynamoDB: PartiQL writes that stream, capacity as AWS counts it, queries that do not scan.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import bisect
import contextvars
import copy
import functools
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from local.emulator import faults, metering
from local.emulator.context import current
from local.emulator.upstream import module, needs, replaces

needs("services.dynamodb:_tables")
needs("services.dynamodb:_emit_stream_event", "table_name event_name old_item new_item replicate")
needs("services.dynamodb:_validate_item", "item pk_name sk_name size_msg")
needs("services.dynamodb:_key_type_mismatch_reason", "table attrs")
needs("services.dynamodb:_partiql_key_target", "table parsed")
needs("services.dynamodb:_item_size_bytes", "item")
needs("services.dynamodb:_extract_key_val", "attr")
needs("services.dynamodb:_normalize_table_name", "value")
needs("services.dynamodb:_get_attr_type", "table attr_name")

_PARTIQL = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html"
_STREAMS = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"
_CAPACITY = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"
)
_ORDER = "_local_order"

Item = dict[str, Any]
Answer = tuple[int, dict[str, str], Any]


def write_units(*items: Item | None) -> float:
    """Write units of one write: the largest of the item's versions, in started KB, at least 1."""
    size = module("services.dynamodb")._item_size_bytes
    return float(max([1, *(-(-size(item) // 1024) for item in items if item)]))


def read_units(size: int, *, consistent: bool) -> float:
    """Read units of `size` bytes: started 4 KB, half as many when eventually consistent."""
    blocks = float(max(1, -(-size // 4096)))
    return blocks if consistent else blocks / 2


# Units of the PartiQL statements of the call in progress, by table.
_units: contextvars.ContextVar[dict[str, float] | None] = contextvars.ContextVar(
    "units", default=None
)


def _spend(table: str, units: float) -> None:
    spent = _units.get()
    if spent is not None:
        spent[table] = spent.get(table, 0.0) + units


def _canonical(value: Any) -> Any:
    """An attribute value with its numbers as DynamoDB stores them (no trailing zeros)."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, content),) = value.items()
    if kind == "N":
        found = module("services.dynamodb")._ddb_canonicalize_number(content)
        return {"N": found if found is not None else content}
    if kind == "M":
        return {"M": {name: _canonical(one) for name, one in content.items()}}
    if kind == "L":
        return {"L": [_canonical(one) for one in content]}
    return value


@replaces("services.dynamodb:_parse_partiql", "statement parameters", _PARTIQL)
def parse(original: Callable[..., Any], statement: str, parameters: list[Any] | None) -> Any:
    """Read number parameters as numbers: `1.50` is the same key as `1.5`."""
    return original(statement, [_canonical(one) for one in parameters or []])


def _stored(table: Item, parsed: Item) -> tuple[Any, Item | None]:
    """The key values that a statement names, and the item stored under them."""
    tables = module("services.dynamodb")
    pk, sk, _, error = tables._partiql_key_target(table, parsed)
    item = None if error else table["items"].get(pk, {}).get(sk)
    return (pk, sk), item


@replaces("services.dynamodb:_partiql_insert", "table parsed", _STREAMS)
def insert(original: Callable[..., Any], table: Item, parsed: Item) -> Answer:
    """Validate like PutItem, write, and put the new item into the table's stream."""
    tables = module("services.dynamodb")
    item = parsed.get("item") or {}
    if isinstance(item, dict) and set(item) == {"M"}:
        item = item["M"]
    pk, sk = table["pk_name"], table["sk_name"]
    error = tables._validate_item(item, pk, sk)
    if error:
        return tuple(error)
    mismatch = tables._key_type_mismatch_reason(table, item)
    if mismatch:
        return _refuse("ValidationException", mismatch)
    old = (
        table["items"]
        .get(tables._extract_key_val(item.get(pk)), {})
        .get(tables._extract_key_val(item.get(sk)) if sk else "__no_sort__")
    )
    answer: Answer = original(table, parsed)
    _spend(parsed["table"], write_units(old, item))
    if answer[0] == 200:
        tables._emit_stream_event(parsed["table"], "INSERT", None, item)
    return answer


@replaces("services.dynamodb:_partiql_update", "table parsed data", _STREAMS)
def update(
    original: Callable[..., Any], table: Item, parsed: Item, data: Item | None = None
) -> Answer:
    """Write, and put the change into the table's stream."""
    (pk, sk), old = _stored(table, parsed)
    before = copy.deepcopy(old)
    answer: Answer = original(table, parsed, data)
    new = table["items"].get(pk, {}).get(sk)
    _spend(parsed["table"], write_units(before, new))
    if answer[0] == 200:
        module("services.dynamodb")._emit_stream_event(parsed["table"], "MODIFY", before, new)
    return answer


@replaces("services.dynamodb:_partiql_delete", "table parsed data", _STREAMS)
def delete(
    original: Callable[..., Any], table: Item, parsed: Item, data: Item | None = None
) -> Answer:
    """Delete, and put the deletion into the table's stream."""
    (pk, sk), old = _stored(table, parsed)
    answer: Answer = original(table, parsed, data)
    _spend(parsed["table"], write_units(old))
    if answer[0] == 200 and old is not None and sk not in table["items"].get(pk, {}):
        module("services.dynamodb")._emit_stream_event(parsed["table"], "REMOVE", old, None)
    return answer


def _refuse(code: str, message: str) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    return 400, headers, json.dumps({"__type": code, "message": message}).encode()


@replaces("services.dynamodb:_execute_statement", "data", _CAPACITY)
def execute_statement(original: Callable[..., Any], data: Item) -> Answer:
    """Count a single statement's write units by the item's size."""
    if _units.get() is not None:  # within a batch, which sums up itself
        return tuple(original(data))
    return _counted(original, data, several=False)


@replaces("services.dynamodb:_batch_execute_statement", "data", _CAPACITY)
def batch_execute_statement(original: Callable[..., Any], data: Item) -> Answer:
    """Refuse a batch of reads and writes; count write units by each item's size.

    A statement that a fault strikes fails alone, as one that is throttled does:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
    """
    statements = data.get("Statements") or []
    verbs = [str(one.get("Statement", "")).strip()[:6].upper() for one in statements]
    if len({verb == "SELECT" for verb in verbs}) > 1:
        return _refuse(
            "ValidationException",
            "The batch must be either all read statements or all write statements",
        )
    role = current().principal
    codes = [faults.strike_within("dynamodb", f"PartiQL{verb.title()}", role) for verb in verbs]
    if not any(codes):
        return _counted(original, data, several=True)
    spared = [one for one, code in zip(statements, codes, strict=True) if not code]
    status, headers, body = 200, {"Content-Type": "application/x-amz-json-1.0"}, b'{"Responses":[]}'
    if spared:
        whole = {**data, "Statements": spared}
        status, headers, body = _counted(original, whole, several=True)
    if status != 200:
        return status, headers, body
    document = json.loads(body)
    answers = iter(document["Responses"])
    document["Responses"] = [
        {"Error": {"Code": code, "Message": "Injected by the local emulator"}}
        if code
        else next(answers)
        for code in codes
    ]
    return status, headers, json.dumps(document, ensure_ascii=False).encode()


def _counted(original: Callable[..., Any], data: Item, *, several: bool) -> Answer:
    token = _units.set({})
    try:
        status, headers, body = original(data)
        spent = _units.get() or {}
    finally:
        _units.reset(token)
    for table, units in spent.items():
        metering.wrote(table, units)
    kind = data.get("ReturnConsumedCapacity", "NONE")
    if status != 200 or kind == "NONE" or not spent:
        return status, headers, body
    document = json.loads(body)
    listed = []
    for table, units in spent.items():
        entry: Item = {"TableName": table, "CapacityUnits": units}
        if kind == "INDEXES":
            entry["Table"] = {"CapacityUnits": units}
        listed.append(entry)
    document["ConsumedCapacity"] = listed if several else listed[0]
    return status, headers, json.dumps(document, ensure_ascii=False).encode()


@replaces("services.dynamodb:_batch_write_item", "data", _CAPACITY)
def batch_write_item(original: Callable[..., Any], data: Item) -> Answer:
    """Tell CloudWatch of the units: each write of a batch costs as it does alone."""
    units = {
        name: sum(_batched_units(table, request) for request in requests)
        for name, requests in (data.get("RequestItems") or {}).items()
        if (table := module("services.dynamodb")._tables.get(name))
    }
    answer: Answer = original(data)
    for name, spent in units.items() if answer[0] == 200 else ():
        metering.wrote(name, spent)
    return answer


def _batched_units(table: Item, request: Item) -> float:
    item = request.get("PutRequest", {}).get("Item")
    key = item or request.get("DeleteRequest", {}).get("Key") or {}
    extract = module("services.dynamodb")._extract_key_val
    sort = extract(key.get(table["sk_name"])) if table["sk_name"] else "__no_sort__"
    old = table["items"].get(extract(key.get(table["pk_name"])), {}).get(sort)
    return write_units(old, item)


# --- queries ---

_CONDITION = re.compile(
    r"""\s*(?P<pk>[#\w]+)\s*=\s*(?P<pv>:\w+)
        (?:\s+AND\s+(?P<sk>[#\w]+)\s*
           (?:(?P<op><=|>=|=|<|>)\s*(?P<value>:\w+)
             |BETWEEN\s+(?P<low>:\w+)\s+AND\s+(?P<high>:\w+)))?\s*""",
    re.IGNORECASE | re.VERBOSE,
)
# Sizes of the query's rows by object; set while its key condition is known to hold for its rows.
_reading: contextvars.ContextVar[dict[int, int] | None] = contextvars.ContextVar(
    "reading", default=None
)


class _Ordered:
    """The sort keys of one partition, in order, and the sizes of its rows as far as known."""

    def __init__(self, rows: dict[str, Item], numeric: bool) -> None:
        self.rows = rows
        self._numeric = numeric
        pairs = sorted((self.key(text), text) for text in rows)
        self.keys = [key for key, _ in pairs]
        self.texts = [text for _, text in pairs]
        self._sizes: dict[str, int] = {}

    def key(self, text: str) -> Any:
        return Decimal(text) if self._numeric else text.encode()

    def add(self, text: str) -> None:
        key = self.key(text)
        at = bisect.bisect_left(self.keys, key)
        self.keys.insert(at, key)
        self.texts.insert(at, text)

    def changed(self, text: str) -> None:
        self._sizes.pop(text, None)

    def size(self, text: str, item: Item) -> int:
        found = self._sizes.get(text)
        if found is None:
            found = self._sizes[text] = int(module("services.dynamodb")._item_size_bytes(item))
        return found

    def drop(self, text: str) -> None:
        at = bisect.bisect_left(self.keys, self.key(text))
        del self.keys[at]
        del self.texts[at]

    def between(self, low: Any, low_in: bool, high: Any, high_in: bool) -> list[str]:
        start = 0
        if low is not None:
            start = (bisect.bisect_left if low_in else bisect.bisect_right)(self.keys, low)
        end = len(self.keys)
        if high is not None:
            end = (bisect.bisect_right if high_in else bisect.bisect_left)(self.keys, high)
        return self.texts[start:end]


@replaces("services.dynamodb:_set_item", "table pk_val sk_val item", _CAPACITY)
def set_item(
    original: Callable[..., Any], table: Item, pk_val: str, sk_val: str, item: Item
) -> Any:
    """Keep the order of a partition's sort keys current."""
    order = table.get(_ORDER, {}).get(pk_val)
    if order is not None:
        order.changed(sk_val)
        if sk_val not in table["items"].get(pk_val, {}):
            order.add(sk_val)
    return original(table, pk_val, sk_val, item)


@replaces("services.dynamodb:_remove_item", "table pk_val sk_val", _CAPACITY)
def remove_item(original: Callable[..., Any], table: Item, pk_val: str, sk_val: str) -> Any:
    """Keep the order of a partition's sort keys current."""
    order = table.get(_ORDER, {}).get(pk_val)
    if order is not None and sk_val in table["items"].get(pk_val, {}):
        order.drop(sk_val)
        order.changed(sk_val)
    return original(table, pk_val, sk_val)


def _rows(table: Item, data: Item) -> list[str] | None:
    """The sort keys that a plain key condition selects, in order; None when it is not plain."""
    plain = {
        "TableName",
        "KeyConditionExpression",
        "ExpressionAttributeValues",
        "ExpressionAttributeNames",
        "ConsistentRead",
        "ScanIndexForward",
        "Limit",
        "ReturnConsumedCapacity",
        "ProjectionExpression",
        "ExclusiveStartKey",
        "Select",
    }
    match = _CONDITION.fullmatch(data.get("KeyConditionExpression") or "")
    sk = table.get("sk_name")
    if match is None or not sk or set(data) - plain:
        return None
    names = data.get("ExpressionAttributeNames") or {}
    values = data.get("ExpressionAttributeValues") or {}
    kind = module("services.dynamodb")._get_attr_type(table, sk)
    if kind not in ("N", "S") or names.get(match["pk"], match["pk"]) != table["pk_name"]:
        return None
    if match["sk"] and names.get(match["sk"], match["sk"]) != sk:
        return None
    try:
        partition = values[match["pv"]]["S"]
        bounds = {
            part: _sort_value(values[match[part]], kind)
            for part in ("value", "low", "high")
            if match[part]
        }
    except (KeyError, ArithmeticError):
        return None
    rows = table["items"].get(partition)
    if not rows:
        return []
    orders = table.setdefault(_ORDER, {})
    order = orders.get(partition)
    if order is None or order.rows is not rows:
        order = orders[partition] = _Ordered(rows, kind == "N")
    low, high = bounds.get("low"), bounds.get("high")
    low_in = high_in = True
    if operation := match["op"]:
        value = bounds["value"]
        low = value if operation in ("=", ">", ">=") else None
        high = value if operation in ("=", "<", "<=") else None
        low_in, high_in = operation != ">", operation != "<"
    forward = data.get("ScanIndexForward", True)
    start = data.get("ExclusiveStartKey")
    if start:
        try:
            edge = _sort_value(start[sk], kind)
        except (KeyError, ArithmeticError):
            return None
        if forward and (low is None or edge >= low):
            low, low_in = edge, False
        elif not forward and (high is None or edge <= high):
            high, high_in = edge, False
    found: list[str] = order.between(low, low_in, high, high_in)
    limit = data.get("Limit")
    if isinstance(limit, int) and limit > 0:
        found = found[:limit] if forward else found[-limit:]
    return found


def _sort_value(value: Item, kind: str) -> Any:
    return Decimal(value["N"]) if kind == "N" else value["S"].encode()


@replaces("services.dynamodb:_query", "data", _CAPACITY)
def query(original: Callable[..., Any], data: Item) -> Answer:
    """Show a plain query only the rows that its key condition selects.

    MiniStack parses the condition anew for every row of the partition. Requests are served one at a
    time by one thread, so the table can be swapped for a view of itself for the call.
    """
    tables = module("services.dynamodb")
    name = tables._normalize_table_name(data.get("TableName"))
    table = tables._tables.get(name) if isinstance(name, str) else None
    found = _rows(table, data) if table else None
    if table is None or found is None:
        token = _reading.set(None)
        try:
            return tuple(original(data))
        finally:
            _reading.reset(token)
    match = _CONDITION.fullmatch(data["KeyConditionExpression"])
    assert match
    partition = data["ExpressionAttributeValues"][match["pv"]]["S"]
    rows = table["items"].get(partition, {})
    view = {**table, "items": {partition: {text: rows[text] for text in found}}}
    order = table.get(_ORDER, {}).get(partition)
    sizes = {id(rows[text]): order.size(text, rows[text]) for text in found} if found else {}
    token = _reading.set(sizes)
    tables._tables[name] = view
    try:
        return tuple(original(data))
    finally:
        tables._tables[name] = table
        _reading.reset(token)


@replaces(
    "services.dynamodb:_evaluate_condition", "expr item attr_values attr_names slot", _CAPACITY
)
def evaluate_condition(
    original: Callable[..., Any],
    expr: str,
    item: Item,
    attr_values: Item,
    attr_names: Item,
    slot: str = "ConditionExpression",
) -> bool:
    """Leave out a key condition that the rows were selected by."""
    if slot == "KeyConditionExpression" and _reading.get() is not None:
        return True
    return bool(original(expr, item, attr_values, attr_names, slot))


@functools.lru_cache(maxsize=1 << 16)
def _remembered(original: Callable[..., Any], text: str) -> Any:
    return original(text)


@replaces("services.dynamodb:_number_size_bytes", "text", _CAPACITY)
def number_size(original: Callable[..., Any], text: str) -> int:
    """Remember the size of a number: most of a query's time went into it."""
    return int(_remembered(original, text))


@replaces("services.dynamodb:_ddb_canonicalize_number", "s", _PARTIQL)
def canonical_number(original: Callable[..., Any], s: str) -> Any:
    """Remember a number's canonical form."""
    return _remembered(original, s) if isinstance(s, str) else original(s)


@replaces("services.dynamodb:_paginate_evaluated_items", "items limit table index_name", _CAPACITY)
def paginate(
    original: Callable[..., Any],
    items: list[Item],
    limit: int | None,
    table: Item,
    index_name: str | None = None,
) -> Any:
    """Note how many bytes a query or scan reads, before any filter; a page holds 1 MB at most."""
    if index_name:
        return original(items, limit, table, index_name)
    size = module("services.dynamodb")._item_size_bytes
    known = _reading.get() or {}
    read = 0
    for count, item in enumerate(items):
        weight = known.get(id(item)) or size(item)
        if count and read + weight > _PAGE_BYTES:
            _read_bytes.set(read)
            return items[:count], True
        read += weight
        if count + 1 == limit or read >= _PAGE_BYTES:
            _read_bytes.set(read)
            return items[: count + 1], True
    _read_bytes.set(read)
    return items, False


_PAGE_BYTES = 1 << 20
_read_bytes: contextvars.ContextVar[int | None] = contextvars.ContextVar("bytes", default=None)


@replaces(
    "services.dynamodb:_add_consumed_capacity",
    "result data table_name write old_item new_item index_name",
    _CAPACITY,
)
def add_consumed_capacity(
    original: Callable[..., Any],
    result: Item,
    data: Item,
    table_name: str,
    write: bool = False,
    old_item: Item | None = None,
    new_item: Item | None = None,
    index_name: str | None = None,
) -> None:
    """Count a read by the bytes it read, and tell CloudWatch of all units."""
    original(
        result,
        data,
        table_name,
        write=write,
        old_item=old_item,
        new_item=new_item,
        index_name=index_name,
    )
    size = _read_bytes.get()
    _read_bytes.set(None)
    found = result.get("ConsumedCapacity")
    if write:
        metering.wrote(table_name, write_units(old_item, new_item))
        return
    if index_name:
        return
    if size is None:
        size = module("services.dynamodb")._item_size_bytes(_whole_item(table_name, data) or {})
    units = read_units(size, consistent=bool(data.get("ConsistentRead")))
    metering.read(table_name, units)
    if found is None:
        return
    found["CapacityUnits"] = units
    if "Table" in found:
        found["Table"]["CapacityUnits"] = units


def _whole_item(table_name: str, data: Item) -> Item | None:
    """The stored item of a GetItem: a projection does not make it cheaper."""
    tables = module("services.dynamodb")
    table = tables._tables.get(table_name) or {}
    key = data.get("Key") or {}
    if not table or table.get("pk_name") not in key:
        return None
    pk = tables._extract_key_val(key[table["pk_name"]])
    sk_name = table.get("sk_name")
    sk = tables._extract_key_val(key.get(sk_name)) if sk_name else "__no_sort__"
    found: Item | None = table["items"].get(pk, {}).get(sk)
    return found
