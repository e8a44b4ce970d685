"""YAML from strangers, as plain values with the line that each object began on. Nothing is built, nothing repeated.

Tags that would make objects, anchors and aliases, keys that stand twice and endless nesting are errors that name the
line. It knows no key's meaning.
"""

from typing import Any

from medlab.core.errors import DataError, shown

MAX_YAML_BYTES = 256 << 10
LINE = "(line)"
"""the key under which each object keeps the line it began on; no key of a file can be this"""
_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "bool", "null", "float", "seq", "map"))


def parse_yaml(data: bytes, where: str) -> Any:
    """The one document as dicts (each with LINE), lists, text, numbers, truth values and None.

    Raises DataError: too_large, encoding, decode; pickle for a tag that would make an object; schema for a key twice,
    a key that is no text, an anchor or several documents.
    """
    import yaml

    if len(data) > MAX_YAML_BYTES:
        raise DataError("too_large", f"{where}: {len(data)} bytes", accepted=f"at most {MAX_YAML_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("encoding", f"{where} is not UTF-8", fix="save it as UTF-8") from error
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        _refuse_anchors(text, where)
        node = loader.get_single_node()
        return _value(loader, node, where) if node is not None else None
    except RecursionError as error:
        raise DataError("decode", f"{where}: nested too deep to be honest") from error
    except DataError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise DataError("decode", f"{where}: not YAML ({shown(_at(error))})") from error
    finally:
        if loader is not None:
            loader.dispose()


def _refuse_anchors(text: str, where: str) -> None:
    """An alias lets a page of text stand for gigabytes."""
    import yaml

    if "&" not in text and "*" not in text:
        return
    for token in yaml.scan(text, yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            line = token.start_mark.line + 1
            raise DataError("schema", f"{where} line {line}: an anchor or alias", accepted="everything written out")


def _at(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(error)


def _value(loader: Any, node: Any, where: str) -> Any:
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN:
        code = "pickle" if "python" in node.tag else "schema"
        raise DataError(code, f"{where} line {line}: tag {shown(node.tag)}", accepted="plain values")
    if node.id == "scalar":
        return loader.construct_object(node)
    if node.id == "sequence":
        return [_value(loader, one, where) for one in node.value]
    found: dict[str, Any] = {LINE: line}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node) if key_node.id == "scalar" else None
        at = f"{where} line {key_node.start_mark.line + 1}"
        if not isinstance(key, str) or key == LINE:
            raise DataError("schema", f"{at}: a key that is no plain word", accepted="keys of text")
        if key in found:
            raise DataError("schema", f"{at}: {shown(key)} stands twice", accepted="each key once")
        found[key] = _value(loader, value_node, where)
    return found
