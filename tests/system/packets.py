# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames that the generator does not make: extension headers, fragments, tags. Built once with scapy, sent as bytes."""
import logging

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    PadN,
)
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402


def ethernet(net, tags=()):
    """The layers in front of IP; two tags are 802.1ad outside and 802.1Q inside."""
    frame = Ether(src=net.attacker_mac, dst=net.gateway_mac)
    for i, tag in enumerate(tags):
        frame /= Dot1Q(vlan=tag) if i == len(tags) - 1 else Dot1AD(vlan=tag)
    return frame


def ip(net, source):
    return IPv6(src=source, dst=net.GATEWAY6) if ":" in source else IP(src=source, dst=net.GATEWAY4)


def syn(net, source, port, tags=()):
    return bytes(ethernet(net, tags) / ip(net, source) / TCP(sport=40000, dport=port, flags="S"))


def udp(net, source, port, tags=()):
    return bytes(ethernet(net, tags) / ip(net, source) / UDP(sport=40000, dport=port) / Raw(b"x" * 8))


def ping(net, source, tags=()):
    echo = ICMPv6EchoRequest(id=7) if ":" in source else ICMP(id=7)
    return bytes(ethernet(net, tags) / ip(net, source) / echo)


def behind_hop_by_hop(net, source):
    header = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])
    return bytes(ethernet(net) / ip(net, source) / header / UDP(sport=40000, dport=9) / Raw(b"x" * 8))


def behind_options(net, source):
    header = IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
    return bytes(ethernet(net) / ip(net, source) / header / ICMPv6EchoRequest(id=7))


def later_fragment(net, source, number, payload):
    """A non-first fragment whose payload looks like a transport header with other ports each time."""
    if ":" in source:
        header = IPv6ExtHdrFragment(offset=64, m=0, id=number, nh=6)
        return bytes(ethernet(net) / ip(net, source) / header / Raw(payload))
    packet = IP(src=source, dst=net.GATEWAY4, frag=64, id=number & 0xFFFF, proto=6)
    return bytes(ethernet(net) / packet / Raw(payload))


def syn_header(port):
    """A TCP header as bytes, for use as the payload of a fragment."""
    return bytes(TCP(sport=40000, dport=port, flags="S"))
