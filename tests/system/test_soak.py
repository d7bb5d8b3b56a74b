# SPDX-License-Identifier: GPL-2.0-or-later
"""The short form of `make soak`."""
from conftest import FULL
from soak import soak


def test_memory_and_descriptors_stay_flat():
    lines = []
    wrong = soak(600 if FULL else 60, say=lines.append)
    assert not wrong, wrong + "\n" + "\n".join(lines)
