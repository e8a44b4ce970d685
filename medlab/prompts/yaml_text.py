"""YAML from strangers, as plain values with the line that each object began on. Nothing is built, nothing repeated.

Tags that would make objects, aliases, keys that stand twice and deep nesting are errors that name the line. No key
means anything here.
"""

import functools
from typing import Any

from medlab.core.errors import DataError, shown

MAX_YAML_BYTES = 256 << 10
MAX_DEPTH = 20
LINE = "(line)"
"""the key under which each object keeps the line it began on; no key of a file can be this"""
MAX_NUMBER = 40
"""letters of one: the time to make a number grows with their square, and 1:30 would become 90"""
_NUMBERS = frozenset(("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"))
_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "bool", "null", "float", "seq", "map"))


def parse_yaml(data: bytes, where: str) -> Any:
    """The one document as dicts (each with LINE), lists, text, numbers, truth values and None.

    Raises DataError: too_large, encoding, too_deep, decode; pickle for a tag that would make an object; schema for a
    key twice, a key that is no text, an alias.
    """
    import yaml

    if len(data) > MAX_YAML_BYTES:
        raise DataError("too_large", f"{where}: {len(data)} bytes", accepted=f"at most {MAX_YAML_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("encoding", f"{where} is not UTF-8", fix="save it as UTF-8") from error
    try:
        loader = _loader()(text)
        loader.where = where
        node = loader.get_single_node()
        return _value(loader, node, where) if node is not None else None
    except DataError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise DataError("decode", f"{where}: not YAML ({shown(_at(error))})") from error


@functools.cache
def _loader() -> type:
    """PyYAML's safe loader, which stops where a text nests deep or lets one thing stand for another.

    An alias lets a page stand for gigabytes, and PyYAML's time grows with the square of the depth.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent, index):
            at = f"{self.where} line {self.peek_event().start_mark.line + 1}"
            if self.check_event(yaml.AliasEvent):
                raise DataError("schema", f"{at}: an alias", accepted="everything written out")
            if self.depth == MAX_DEPTH:
                raise DataError("too_deep", f"{at}: nested more than {MAX_DEPTH} deep", accepted="a list of prompts")
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Loader


def _at(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(error)


def _value(loader: Any, node: Any, where: str) -> Any:
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN:
        code = "pickle" if "python" in node.tag else "schema"
        raise DataError(code, f"{where} line {line}: tag {shown(node.tag)}", accepted="plain values")
    if node.id == "scalar":
        if node.tag in _NUMBERS and (len(node.value) > MAX_NUMBER or ":" in node.value):
            raise DataError(
                "schema",
                f"{where} line {line}: a number {shown(node.value, 40)}",
                accepted=f"up to {MAX_NUMBER} digits, without a colon",
                fix="put it in quotation marks where it is text",
            )
        return loader.construct_object(node)
    if node.id == "sequence":
        return [_value(loader, one, where) for one in node.value]
    found: dict[str, Any] = {LINE: line}
    for key_node, value_node in node.value:
        key = key_node.value if key_node.tag == "tag:yaml.org,2002:str" else None
        at = f"{where} line {key_node.start_mark.line + 1}"
        if not isinstance(key, str) or key == LINE:
            raise DataError("schema", f"{at}: a key that is no plain word", accepted="keys of text")
        if key in found:
            raise DataError("schema", f"{at}: {shown(key)} stands twice", accepted="each key once")
        found[key] = _value(loader, value_node, where)
    return found
