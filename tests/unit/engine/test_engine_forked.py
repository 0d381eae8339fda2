"""What a forked child is made of."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

from xcnet.engine.spawn import Child, start_function


def status_of(child: Child) -> int:
    try:
        return child.reap()
    finally:
        child.close()


def test_a_forked_function_lives_on_when_who_it_answers_has_hung_up() -> None:
    here, there = socket.socketpair()
    here.close()

    def answer() -> int:
        try:
            there.send(b"answer")
        except BrokenPipeError:
            return 7
        return 0

    with there:
        assert status_of(start_function(answer, keep=[there.fileno()])) == 7


def test_a_forked_function_whose_output_nobody_reads_ends_as_a_program_would_without_a_word() -> None:
    def talk() -> int:
        while True:
            os.write(1, b"words" * 1000)

    child = start_function(talk)
    output, errors = child.outputs
    os.close(output)
    os.set_blocking(errors, True)
    assert os.read(errors, 1000) == b""
    assert status_of(replace(child, outputs=(errors,))) == 141
