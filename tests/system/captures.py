# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures written byte by byte: any link type, any time, whole or broken. Times are nanoseconds since 1970."""
import logging
import struct

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402

SECOND = 1_000_000_000
MS = SECOND // 1000
START = 1_700_000_000 * SECOND

ATTACKER, ATTACKER6 = "198.51.100.66", "2001:db8:66::66"
SERVER, SERVER6 = "192.0.2.10", "2001:db8:10::10"

# LINKTYPE_* of https://www.tcpdump.org/linktypes.html
ETHERNET, NULL, LOOP, RAW, IEEE802_11, SLL, IPV4, IPV6, SLL2 = 1, 0, 108, 101, 105, 113, 228, 229, 276


def syn(source=ATTACKER, destination=SERVER, port=80, source_port=40000):
    """The bytes of an IP packet, without a link layer: a SYN."""
    network = IPv6(src=source, dst=destination) if ":" in source else IP(src=source, dst=destination)
    return bytes(network / TCP(sport=source_port, dport=port, flags="S"))


def tcp(source, destination, source_port, port, flags, seq=0, ack=0):
    return bytes(IP(src=source, dst=destination) /
                 TCP(sport=source_port, dport=port, flags=flags, seq=seq, ack=ack))


def udp(source=ATTACKER, destination=SERVER, port=9, size=8):
    return bytes(IP(src=source, dst=destination) / UDP(sport=40000, dport=port) / (b"x" * size))


def ping(source=ATTACKER, destination=SERVER):
    return bytes(IP(src=source, dst=destination) / ICMP())


def ether_type(packet):
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"


def ethernet(packet, tags=b""):
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + tags + ether_type(packet) + packet


def sll(packet):
    return struct.pack(">HHH8s", 0, 1, 6, b"\x02\0\0\0\0\x01") + ether_type(packet) + packet


def sll2(packet):
    return ether_type(packet) + struct.pack(">HIHBB8s", 0, 2, 1, 0, 6, b"\x02\0\0\0\0\x01") + packet


def loopback(order):
    return lambda packet: struct.pack(order + "I", 30 if packet[0] >> 4 == 6 else 2) + packet


def plain(packet):
    return packet


def pcap(records, link=ETHERNET, nano=False, order="<", snap=262144):
    """records: (time, bytes) or (time, bytes, length on the wire)."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for time, data, *wire in records:
        unit = 1 if nano else 1000
        out.append(struct.pack(order + "IIII", time // SECOND, time % SECOND // unit, len(data),
                               wire[0] if wire else len(data)))
        out.append(data)
    return b"".join(out)


def pcapng(records, link=ETHERNET, resolution=6):
    """Times in units of 10 ** -resolution seconds."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    options = struct.pack("<HHB3xHH", 9, 1, resolution, 0, 0)
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(1, struct.pack("<HHI", link, 0, 262144) + options)]
    for time, data in records:
        units = time // 10 ** (9 - resolution)
        out.append(block(6, struct.pack("<IIIII", 0, units >> 32, units & 0xFFFFFFFF, len(data), len(data)) + data))
    return b"".join(out)


def flood(count, start=START, gap=MS, link=ethernet, make=syn, **more):
    """So many packets of one source, evenly: the records of a capture."""
    data = link(make(**more))
    return [(start + i * gap, data) for i in range(count)]
