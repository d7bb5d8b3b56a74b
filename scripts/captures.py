# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder of labelled captures, as scripts/evaluate reads it: labels.tsv, and pcap and pcapng files frame by frame."""
import dataclasses
import ipaddress
import pathlib
import struct

COLUMNS = ["file", "class", "score", "attacker_ips", "victim_ips", "accept_detectors", "attack_start_s", "ignore_ips"]
SCORES = ["source", "victim", "benign", "none"]


class BadInput(Exception):
    """The folder or a capture is not what it has to be; the text is for the person."""


# ---- labels ---------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Label:
    file: pathlib.Path
    kind: str
    score: str
    attackers: frozenset  # of addresses
    victims: list  # of networks
    accepted: frozenset  # names of detectors
    start: float  # seconds after the first frame
    ignored: frozenset
    ignore_others: bool

    @property
    def asked(self):
        """What has to be found: attackers or victims."""
        return {"source": self.attackers, "victim": self.victims}.get(self.score, ())


def words(cell):
    return [] if cell in ("", "-") else [word.strip() for word in cell.split(",") if word.strip()]


def addresses(cell, folder):
    """The addresses of a cell, which may name a file of them."""
    listed = words(cell)
    if cell.startswith("@"):
        path = folder / cell[1:]
        if not path.is_file():
            raise BadInput(f"{path} is not there")
        listed = path.read_text().split()
    return frozenset(ipaddress.ip_address(one) for one in listed)


def read_label(row, folder):
    if row["score"] not in SCORES:
        raise BadInput(f"score '{row['score']}' is none of {', '.join(SCORES)}")
    others = row["ignore_ips"] == "*"
    return Label(
        file=folder / row["file"], kind=row["class"], score=row["score"],
        attackers=addresses(row["attacker_ips"], folder),
        victims=[ipaddress.ip_network(one, strict=False) for one in words(row["victim_ips"])],
        accepted=frozenset(words(row["accept_detectors"])),
        start=0.0 if row["attack_start_s"] in ("", "-") else float(row["attack_start_s"]),
        ignored=frozenset() if others else addresses(row["ignore_ips"], folder), ignore_others=others)


def read_labels(folder):
    path = folder / "labels.tsv"
    if not path.is_file():
        raise BadInput(f"{path} is not there: a folder of captures says in it what each of them holds")
    head, *lines = path.read_text().splitlines() or [""]
    names = head.split("\t")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadInput(f"{path}: no column {', '.join(missing)}")
    labels = []
    for at, line in enumerate(lines, 2):
        if not line.strip():
            continue
        row = dict(zip(names, line.split("\t")))
        try:
            labels.append(read_label({name: row.get(name, "-") for name in COLUMNS}, folder))
        except (BadInput, ValueError) as error:
            raise BadInput(f"{path}:{at}: {error}") from None
    if not labels:
        raise BadInput(f"{path} names no capture")
    return labels


# ---- packets --------------------------------------------------------------------------------------------------------

# Link type: where its Ethernet type is and where the network layer begins; https://www.tcpdump.org/linktypes.html.
TYPED_LINKS = {1: (12, 14), 113: (14, 16), 276: (0, 20)}  # Ethernet, Linux cooked
PLAIN_LINKS = {12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4}  # raw IP, BSD loopback
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
VLAN_MOST = 4
PPPOE_SESSION = 0x8864
IP_TYPES = {0x0800: 4, 0x86DD: 6, 0x0021: 4, 0x0057: 6}  # of Ethernet and of PPP
PROTOCOL_TCP, TCP_SYN, TCP_ACK = 6, 2, 16


def number(data, at, size=2):
    return int.from_bytes(data[at:at + size], "big")


def opens(frame, transport):
    """Is it a SYN without ACK?"""
    return len(frame) > transport + 13 and frame[transport + 13] & (TCP_SYN | TCP_ACK) == TCP_SYN


def network_layer(frame, link):
    """Where the outermost IP header is, and of which version; version None when there is none."""
    if link in PLAIN_LINKS:
        at = PLAIN_LINKS[link]
        return at, frame[at] >> 4 if len(frame) > at else None
    type_at, at = TYPED_LINKS[link]
    kind = number(frame, type_at)
    for _ in range(VLAN_MOST):
        if kind in VLAN_TYPES:
            kind, at = number(frame, at + 2), at + 4
    if kind == PPPOE_SESSION:
        kind, at = number(frame, at + 6), at + 8
    version = IP_TYPES.get(kind)
    return at, version if len(frame) > at and version == frame[at] >> 4 else None


def ip_source(frame, link):
    """The packed source address of the outermost IP header, or None, and whether it opens a TCP connection."""
    at, version = network_layer(frame, link)
    if version == 4 and len(frame) >= at + 20:
        first = not number(frame, at + 6) & 0x1FFF
        tcp = first and frame[at + 9] == PROTOCOL_TCP
        return frame[at + 12:at + 16], tcp and opens(frame, at + (frame[at] & 15) * 4)
    if version == 6 and len(frame) >= at + 40:
        return frame[at + 8:at + 24], frame[at + 6] == PROTOCOL_TCP and opens(frame, at + 40)
    return None, False


# ---- files ----------------------------------------------------------------------------------------------------------

CLASSIC_MAGICS = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
SECTION_MAGIC, OPTION_RESOLUTION = 0x1A2B3C4D, 9


def byte_order(data, magics):
    """The order of bytes in which the four are one of these numbers, or None."""
    return next((order for order in "<>" if len(data) == 4 and struct.unpack(order + "I", data)[0] in magics), None)


def classic_frames(file, order):
    head = file.read(24)
    fraction = CLASSIC_MAGICS[struct.unpack_from(order + "I", head)[0]]
    link = struct.unpack_from(order + "I", head, 20)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    while len(head := file.read(record.size)) == record.size:
        seconds, part, length, _ = record.unpack(head)
        yield seconds + part * fraction, link, file.read(length)


def blocks(file):
    """Yields (order of bytes, type, body) for each block of a pcapng file."""
    order = "<"
    while len(head := file.read(8)) == 8:
        if head[:4] == SECTION.to_bytes(4, "big"):
            magic = file.read(4)
            order = byte_order(magic, [SECTION_MAGIC])
            if not order:
                raise BadInput("a pcapng section without its magic number")
            file.seek(-4, 1)
        kind, length = struct.unpack(order + "II", head)
        body = file.read(max(length - 8, 4))
        yield order, kind, body[:-4]


def read_interface(order, body):
    """(link type, seconds of a unit of time) of an interface's description."""
    resolution, at = 1e-6, 8
    while at + 4 <= len(body):
        option, length = struct.unpack_from(order + "HH", body, at)
        if option == OPTION_RESOLUTION and length:
            power = body[at + 4]
            resolution = 2.0 ** -(power & 0x7F) if power & 0x80 else 10.0 ** -power
        at += 4 + (length + 3) // 4 * 4
    return struct.unpack_from(order + "H", body)[0], resolution


def ng_frames(file):
    interfaces, now = [], 0.0
    for order, kind, body in blocks(file):
        if kind == SECTION:
            interfaces = []
        elif kind == INTERFACE:
            interfaces.append(read_interface(order, body))
        elif kind in (PACKET, OLD_PACKET):
            which, high, low, length, _ = struct.unpack_from(order + ("IIIII" if kind == PACKET else "HxxIIII"), body)
            link, unit = interfaces[which]
            now = (high << 32 | low) * unit
            yield now, link, body[20:20 + length]
        elif kind == SIMPLE_PACKET:
            yield now, interfaces[0][0], body[4:4 + struct.unpack_from(order + "I", body)[0]]


def read_capture(path):
    """Yields (time, packed source address or None, opens a connection) for each frame of a pcap or pcapng file."""
    with open(path, "rb") as file:
        magic = file.read(4)
        file.seek(0)
        order = byte_order(magic, CLASSIC_MAGICS)
        if not order and magic != SECTION.to_bytes(4, "big"):
            raise BadInput("neither a pcap nor a pcapng file")
        try:
            for time, link, frame in classic_frames(file, order) if order else ng_frames(file):
                if link not in TYPED_LINKS and link not in PLAIN_LINKS:
                    raise BadInput(f"link type {link} is not known")
                yield (time, *ip_source(frame, link))
        except (struct.error, IndexError):
            raise BadInput("the file is damaged") from None
