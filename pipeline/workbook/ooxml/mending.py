"""Looks and properties that openpyxl cannot read, replaced by plain ones: not for them is a workbook given up.

Each element is given to openpyxl by itself. One that it refuses becomes a plain one of its kind, because cells name
fonts, fills and borders by their number; one that nothing names is left out.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from openpyxl.packaging.core import DocumentProperties
from openpyxl.packaging.custom import CustomPropertyList
from openpyxl.styles import Border, Fill, Font
from openpyxl.styles.cell_style import CellStyle
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.stylesheet import Stylesheet
from openpyxl.xml.constants import ARC_CORE, ARC_CUSTOM, ARC_STYLE
from openpyxl.xml.functions import fromstring

_Parse = Callable[[Any], Any]

_NUMBERED: Final[Mapping[str, tuple[_Parse, str]]] = {  # collection -> how an element of it is read, and what it holds
    "fonts": (Font.from_tree, ""),
    "fills": (Fill.from_tree, "patternFill"),
    "borders": (Border.from_tree, ""),
    "cellStyleXfs": (CellStyle.from_tree, ""),
    "cellXfs": (CellStyle.from_tree, ""),
    "dxfs": (DifferentialStyle.from_tree, ""),
}
_NUMBERS: Final = ("numFmtId", "fontId", "fillId", "borderId", "xfId")  # attributes of the style of a cell
_LARGEST: Final = 32 << 20  # bytes of a part


def mended(archive: zipfile.ZipFile) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The parts that had to be mended, by name, and what was in them that is plain or gone now.

    What openpyxl raises for a part that cannot be mended comes out when it reads that part.
    """
    parts: dict[str, bytes] = {}
    gone: list[str] = []
    for name, parse, mend in (
        (ARC_STYLE, Stylesheet.from_tree, _mend_styles),
        (ARC_CORE, DocumentProperties.from_tree, _mend_properties),
        (ARC_CUSTOM, CustomPropertyList.from_tree, _mend_properties),
    ):
        if name in archive.namelist() and archive.getinfo(name).file_size <= _LARGEST:
            tree = fromstring(archive.read(name))
            if not _reads(parse, tree):
                gone += mend(tree, parse)
                parts[name] = tostring(tree)
    return parts, tuple(dict.fromkeys(gone))


def _reads(parse: _Parse, tree: Element) -> bool:
    try:
        return parse(tree) is not None  # as it says of an empty fill, which then is none of the fills
    except (ValueError, TypeError, LookupError, AttributeError):
        return False


def _mend_styles(tree: Element, parse: _Parse) -> list[str]:
    gone = []
    for collection in tree:
        read, content = _NUMBERED.get(_local(collection), (None, ""))
        for element in list(collection) if read else ():
            if read and not _reads(read, element):
                gone += [_local(element)] if len(element) or element.attrib else []
                _plain(element, read, content)
    return [*gone, *_leave_out(tree, parse)]


def _plain(element: Element, read: _Parse, content: str) -> None:
    """Leave of an element what can be read, and else nothing but what an empty one holds."""
    for child in list(element):
        if not _reads(read, _alone(child, element.tag)):
            element.remove(child)
    if not _reads(read, element):
        kept = {name: value for name, value in element.attrib.items() if name in _NUMBERS and value.isdecimal()}
        element.clear()
        element.attrib.update(kept)
        if content:
            SubElement(element, element.tag.replace(_local(element), content))


def _mend_properties(tree: Element, parse: _Parse) -> list[str]:
    refused = [child for child in tree if not _reads(parse, _alone(child, tree.tag))]
    for child in refused:
        tree.remove(child)
    return [*map(_local, refused), *_leave_out(tree, parse)]


def _leave_out(tree: Element, parse: _Parse) -> list[str]:
    """Take out the child without which the rest can be read, or else one after the other from the end."""
    for child in () if _reads(parse, tree) else list(tree):
        rest = [each for each in tree if each is not child]
        without = Element(tree.tag, tree.attrib)
        without.extend(rest)
        if _reads(parse, without):
            tree.remove(child)
            return [_local(child)]
    gone = []
    while len(tree) and not _reads(parse, tree):
        gone.append(_local(tree[-1]))
        tree.remove(tree[-1])
    return gone


def _alone(child: Element, parent: str) -> Element:
    """A parent that has no other child."""
    alone = Element(parent)
    alone.append(child)
    return alone


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
