# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder of labelled captures, as scripts/evaluate reads it: labels.tsv, and classic pcap files frame by frame."""
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
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        row = dict(zip(names, line.split("\t")))
        try:
            labels.append(read_label({name: row.get(name, "-") for name in COLUMNS}, folder))
        except (BadInput, ValueError) as error:
            raise BadInput(f"{path}:{number}: {error}") from None
    if not labels:
        raise BadInput(f"{path} names no capture")
    return labels


# ---- captures -------------------------------------------------------------------------------------------------------

PCAP_MAGICS = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
LINK_ETHERNET = 1
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
VLAN_MOST = 4
PPPOE_SESSION = 0x8864
IP_TYPES = {0x0800: 4, 0x86DD: 6, 0x0021: 4, 0x0057: 6}  # of Ethernet and of PPP
PROTOCOL_TCP, TCP_SYN, TCP_ACK = 6, 2, 16


def opens(frame, transport):
    """Is it a SYN without ACK?"""
    return len(frame) > transport + 13 and frame[transport + 13] & (TCP_SYN | TCP_ACK) == TCP_SYN


def ip_source(frame):
    """The packed source address of a frame's outermost IP header, and whether it opens a TCP connection."""
    kind, at, tags = int.from_bytes(frame[12:14], "big"), 14, 0
    while kind in VLAN_TYPES and tags < VLAN_MOST:
        kind, at, tags = int.from_bytes(frame[at + 2:at + 4], "big"), at + 4, tags + 1
    if kind == PPPOE_SESSION:
        kind, at = int.from_bytes(frame[at + 6:at + 8], "big"), at + 8
    version = IP_TYPES.get(kind)
    if len(frame) <= at or version != frame[at] >> 4:
        return None, False
    if version == 4 and len(frame) >= at + 20:
        first = not int.from_bytes(frame[at + 6:at + 8], "big") & 0x1FFF
        tcp = first and frame[at + 9] == PROTOCOL_TCP
        return frame[at + 12:at + 16], tcp and opens(frame, at + (frame[at] & 15) * 4)
    if version == 6 and len(frame) >= at + 40:
        return frame[at + 8:at + 24], frame[at + 6] == PROTOCOL_TCP and opens(frame, at + 40)
    return None, False


def read_capture(path):
    """Yields (time, packed source address or None, opens a connection) for each frame of a classic pcap file."""
    with open(path, "rb") as file:
        head = file.read(24)
        order = next((o for o in "<>" if len(head) == 24 and struct.unpack(o + "I", head[:4])[0] in PCAP_MAGICS), None)
        if not order:
            raise BadInput("not a classic pcap file")
        fraction = PCAP_MAGICS[struct.unpack(order + "I", head[:4])[0]]
        if struct.unpack(order + "I", head[20:])[0] & 0xFFFF != LINK_ETHERNET:
            raise BadInput("its frames are not Ethernet")
        record = struct.Struct(order + "IIII")
        while len(head := file.read(record.size)) == record.size:
            seconds, part, length, _ = record.unpack(head)
            yield (seconds + part * fraction, *ip_source(file.read(length)))
