"""Small workbooks in every format that can be read, written by hand or by xlsxwriter.

`rows` are lists of text, numbers, booleans, dates and None. `early` counts days from 1904, as old
Macs did. Nobody but Excel writes XLSB and few still write XLS, so those are put together here.
"""

import datetime as dt
import io
import struct
import zipfile
from xml.sax.saxutils import escape

import xlsxwriter

EPOCH, EARLY = dt.date(1899, 12, 30), dt.date(1904, 1, 1)
DAY_FORMAT = 14  # the built-in format of a day


def packed(parts):
    """Return a zip of {name: text or bytes}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def repacked(book, part, change):
    """Return a zipped workbook with `change(bytes)` done to one of its parts."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed(parts | {part: change(parts[part])})


def xlsx(sheets, early=False):
    """Return an XLSX of {sheet name: rows}."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"date_1904": early})
    day = book.add_format({"num_format": DAY_FORMAT})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for row, column, value in _cells(rows):
            sheet.write(row, column, value, *[day] * isinstance(value, dt.date))
    book.close()
    return file.getvalue()


def ods(sheets, early=False):
    """Return an ODS of {sheet name: rows}; a row may be XML as it is."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    null_date = f'<table:calculation-settings><table:null-date table:date-value="{EARLY}"/></table:calculation-settings>'
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(_ods_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body>'
        f"<office:spreadsheet>{null_date if early else ''}{tables}</office:spreadsheet>"
        "</office:body></office:document-content>"
    )
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": ODS_MANIFEST.format(""),
            "content.xml": content,
        }
    )


ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{}'
    "</manifest:file-entry></manifest:manifest>"
)
ODS_LOCK = '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="x"/>'


def _ods_row(row):
    if isinstance(row, str):
        return row
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(value):
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        kind, text = 'office:value-type="string"', escape(value)
    elif isinstance(value, bool):
        word = str(value).lower()
        kind, text = f'office:value-type="boolean" office:boolean-value="{word}"', word
    elif isinstance(value, dt.date):
        kind, text = f'office:value-type="date" office:date-value="{value}"', str(value)
    else:
        kind, text = f'office:value-type="float" office:value="{value}"', str(value)
    return f"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"


def _cells(rows):
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                yield number, column, value


def _days(value, early):
    return float((value - (EARLY if early else EPOCH)).days)


def xlsb(sheets, early=False):
    """Return an XLSB of {sheet name: rows}."""
    parts = {
        "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "xl/styles.bin": _part(
            617, struct.pack("<I", 2), 47, _xf(0), 47, _xf(DAY_FORMAT), 618, b""
        ),
    }
    links, named = "", [153, struct.pack("<II", early, 0) + _wide(""), 143, b""]
    for number, (name, rows) in enumerate(sheets.items(), 1):
        links += (
            f'<Relationship Id="rId{number}" Type="http://schemas.openxmlformats.org/officeDocument'
            f'/2006/relationships/worksheet" Target="worksheets/sheet{number}.bin"/>'
        )
        named += [156, struct.pack("<II", 0, number) + _wide(f"rId{number}") + _wide(name)]
        parts[f"xl/worksheets/sheet{number}.bin"] = _xlsb_sheet(rows, early)
    parts["xl/_rels/workbook.bin.rels"] = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006'
        f'/relationships">{links}</Relationships>'
    )
    parts["xl/workbook.bin"] = _part(131, b"", *named, 144, b"", 132, b"")
    return packed(parts)


def _xlsb_sheet(rows, early):
    height, width = len(rows), max(map(len, rows), default=0)
    size = struct.pack("<4I", 0, max(height - 1, 0), 0, max(width - 1, 0))
    records, last = [129, b"", 148, size, 145, b""], None
    for row, column, value in _cells(rows):
        if row != last:
            records += [0, struct.pack("<IIHBBB", row, 0, 300, 0, 0, 0) + struct.pack("<I", 0)]
            last = row
        head = struct.pack("<II", column, isinstance(value, dt.date))
        if isinstance(value, str):
            records += [6, head + _wide(value)]
        elif isinstance(value, bool):
            records += [4, head + bytes([value])]
        else:
            number = _days(value, early) if isinstance(value, dt.date) else float(value)
            records += [5, head + struct.pack("<d", number)]
    return _part(*records, 146, b"", 130, b"")


def _part(*records):
    """Return binary records: type, content, type, content, …"""
    return b"".join(
        _varint(kind) + _varint(len(content)) + content
        for kind, content in zip(records[::2], records[1::2], strict=True)
    )


def _varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


def _wide(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _xf(number_format):
    return struct.pack("<HH", 0, number_format) + bytes(12)


def xls(sheets, early=False):
    """Return an XLS (Excel 97) of {sheet name: rows}."""
    bodies = [_xls_sheet(rows, early) for rows in sheets.values()]
    start = _biff(0x0809, _bof(0x0005)) + _biff(0x0022, struct.pack("<H", early))
    start += b"".join(_biff(0x00E0, struct.pack("<HH", 0, f) + bytes(16)) for f in (0, DAY_FORMAT))
    names = [_biff_name(name) for name in sheets]
    at = len(start) + sum(4 + 6 + len(name) for name in names) + 4
    for name, body in zip(names, bodies, strict=True):
        start += _biff(0x0085, struct.pack("<IBB", at, 0, 0) + name)
        at += len(body)
    return compound({"Workbook": start + _biff(0x000A, b"") + b"".join(bodies)})


def locked_xls():
    """Return an XLS that says it is encrypted."""
    lock = _biff(0x002F, struct.pack("<HHH", 1, 1, 1) + bytes(48))
    return compound({"Workbook": _biff(0x0809, _bof(0x0005)) + lock + _biff(0x000A, b"")})


def _xls_sheet(rows, early):
    size = struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows), default=0), 0)
    body = _biff(0x0809, _bof(0x0010)) + _biff(0x0200, size)
    for row, column, value in _cells(rows):
        head = struct.pack("<HHH", row, column, isinstance(value, dt.date))
        if isinstance(value, str):
            text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
            body += _biff(0x0204, head + text)
        elif isinstance(value, bool):
            body += _biff(0x0205, head + bytes([value, 0]))
        else:
            number = _days(value, early) if isinstance(value, dt.date) else float(value)
            body += _biff(0x0203, head + struct.pack("<d", number))
    return body + _biff(0x000A, b"")


def _biff(kind, content):
    return struct.pack("<HH", kind, len(content)) + content


def _bof(kind):
    return struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 6)


def _biff_name(name):
    return bytes([len(name), 1]) + name.encode("utf-16-le")


SECTOR, END, FREE = 512, 0xFFFFFFFE, 0xFFFFFFFF


def compound(streams):
    """Return an OLE compound file, the box of XLS and of every locked workbook, with up to 3 streams."""
    table, data = [0xFFFFFFFD, END], b""
    entries = [_entry("Root Entry", 5, END, 0, child=1)]
    for number, (name, content) in enumerate(streams.items(), 1):
        first, content = len(table), content.ljust(4096, b"\0")
        content += bytes(-len(content) % SECTOR)
        sectors = len(content) // SECTOR
        table += [*range(first + 1, first + sectors), END]
        data += content
        right = number + 1 if number < len(streams) else FREE
        entries.append(_entry(name, 2, first, len(content), right=right))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    head += struct.pack(
        "<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, END, 0, END, 0, 0
    )
    head += struct.pack("<108I", *[FREE] * 108)
    table += [FREE] * (SECTOR // 4 - len(table))
    folder = b"".join(entries).ljust(SECTOR, b"\0")
    return head + struct.pack(f"<{SECTOR // 4}I", *table) + folder + data


def _entry(name, kind, first, size, child=FREE, right=FREE):
    text = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII36xIQ", text, len(text) + 2, kind, 1, FREE, right, child, first, size
    )


FORMATS = {"xlsx": xlsx, "xlsb": xlsb, "xls": xls, "ods": ods}
