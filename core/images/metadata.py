"""Where a picture comes from, by IPTC's DigitalSourceType in XMP: written at export and read back.

Facts: IPTC's NewsCodes "digitalsourcetype"; Pillow writes XMP only where it is given explicitly.
"""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from PIL import Image

from core.errors import BadImage

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = _VOCABULARY + "trainedAlgorithmicMedia"
"""Made by a trained model."""
COMPOSITE = _VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
"""Put together, with pixels of the product's photo kept."""

_FIELD = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
_RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
_LONGEST = 1_000_000
"""Bytes of XMP that are parsed; a packet of ours has 0.5 kB."""
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{type}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def source_type_of(provider: str) -> str:
    """What a provider's pictures are: the local cut-out keeps the photo's pixels, models make new ones."""
    return COMPOSITE if provider == "local" else TRAINED


def xmp_packet(source_type: str) -> bytes:
    """XMP that says where a picture comes from. Raises ValueError for what is no term of the vocabulary."""
    if not re.fullmatch(re.escape(_VOCABULARY) + "[A-Za-z]{1,60}", source_type):
        raise ValueError(f"no digital source type: {source_type!r}")
    return _PACKET.format(type=source_type).encode()


def source_type(data: bytes) -> str | None:
    """The DigitalSourceType of a JPEG, PNG or WebP, or None. Raises BadImage for what is none of these."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            found = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    except (OSError, SyntaxError, ValueError) as exc:
        raise BadImage("damaged") from exc
    return read_xmp(found) if found else None


def read_xmp(packet: bytes | str) -> str | None:
    """The DigitalSourceType of a packet; None where it has none or is not XML that is safe to read."""
    text = packet.encode() if isinstance(packet, str) else packet
    # Entities can blow a document up, and XMP has no use for them.
    if len(text) > _LONGEST or b"<!DOCTYPE" in text.upper() or b"<!ENTITY" in text.upper():
        return None
    try:
        root = ElementTree.fromstring(text.strip(b"\0 \r\n\t"))  # noqa: S314 - see above
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    for node in root.iter():
        value = node.get(_FIELD)
        if value is None and node.tag == _FIELD:
            value = node.get(_RESOURCE) or (node.text or "").strip()
        if value and value.startswith(_VOCABULARY):
            return value
    return None
