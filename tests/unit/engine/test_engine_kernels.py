"""User-mode kernels: how one is started, what its last words mean, where its memory goes, which modules are kept."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from xcnet.engine import uml_kernel
from xcnet.engine.base import LaunchSpec, default_memory
from xcnet.engine.guest_modules import ModuleTree
from xcnet.engine.launch import Launch
from xcnet.engine.rundir import RunDir
from xcnet.engine.uml_fetch import fetched
from xcnet.engine.uml_kernel import UmlKernel, memory_folder
from xcnet.engine.uml_launch import launch_file
from xcnet.engine.uml_modules import prune_modules
from xcnet.engine.uml_trial import Trial, explain_console
from xcnet.errors import EngineError


def test_the_command_line_survives_being_split_at_spaces_wherever_the_run_lies(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "a folder" / "ü%20")
    line = " ".join(UmlKernel(Path("/k"), Path("/m"), "none", True).arguments(run, 512, (7, 8))[1:])
    words = shlex.split(line)
    assert f"XCNET_RUN={tmp_path}/a%20folder/%C3%BC%2520" in words
    assert {"mem=512M", "seccomp=on", "ssl0=fd:7", "ssl1=fd:8", "root=none", "rw"} <= set(words)
    assert Path(words[words.index("--") + 3]).name == "guest.py"


def test_an_old_kernel_is_given_its_own_root_and_no_seccomp(tmp_path: Path) -> None:
    words = UmlKernel(Path("/k"), Path("/m")).arguments(RunDir(tmp_path), 256, ())
    assert {"root=/dev/root", "rootfstype=hostfs", "rootflags=/"} <= set(words)
    assert not any(word.startswith(("seccomp", "ssl")) for word in words)


@pytest.mark.parametrize(
    ("console", "said"),
    [
        ("Kernel panic - not syncing: ptrace set fp regs failed, errno = 14", "processor"),
        ("/k: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /k)", "C library"),
        ("a\nKernel panic - not syncing: VFS: Unable to mount root fs\n [<6017f178>] x", "Unable to mount root"),
        ("", "said nothing"),
        ("one\ntwo", "two"),
    ],
)
def test_a_consoles_last_words_are_put_plainly(console: str, said: str) -> None:
    assert said in explain_console(console)


def test_a_trial_tells_pace_and_problem() -> None:
    assert Trial("7.2.7", "", 1.0, 8.0).fast
    assert "fast" in Trial("7.2.7", "", 1.0, 8.0).summary
    assert "slow" in Trial("6.1", "", 2.5, 68.0).summary
    broken = Trial(problem="panics")
    assert not broken.works
    assert not broken.fast
    assert broken.summary == "panics"


def test_memory_goes_where_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uml_kernel, "memory_candidates", lambda run: (Path("/proc"), tmp_path, run))
    assert memory_folder(1, tmp_path / "run") == tmp_path


def test_no_room_names_every_folder_and_what_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uml_kernel, "memory_candidates", lambda _run: (tmp_path,))
    with pytest.raises(EngineError) as caught:
        memory_folder(10**9, tmp_path)
    assert str(tmp_path) in caught.value.where
    assert "XCNET_MEMORY" in caught.value.remedy


@pytest.mark.parametrize(("value", "memory"), [("", 1536), ("2048", 2048), ("12", 1536), ("lots", 1536)])
def test_memory_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, value: str, memory: int) -> None:
    monkeypatch.setenv("XCNET_MEMORY", value)
    assert default_memory() == memory


def test_a_launch_keeps_visible_all_that_the_guest_must_see(tmp_path: Path) -> None:
    spec = LaunchSpec("one", tmp_path, "a:b", path=(str(tmp_path), "/no/such", "/etc/passwd"))
    launch = launch_file(spec, RunDir(tmp_path), UmlKernel(Path("/k"), tmp_path / "modules"))
    assert str(tmp_path) in launch.visible
    assert "/no/such" not in launch.visible
    assert Launch.from_json(launch.to_json()) == launch


class Loading(ModuleTree):
    """Remembers what would be inserted."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.inserted: list[str] = []

    def _insert(self, path: str) -> int:
        self.inserted.append(Path(path).name)
        return 95 if "bad" in path else 0


DEP = """kernel/drivers/net/macsec.ko: kernel/crypto/gcm.ko kernel/lib/low.ko
kernel/crypto/gcm.ko: kernel/lib/low.ko
kernel/lib/low.ko:
kernel/net/8021q/8021q.ko.xz:
kernel/net/sched/bad-one.ko: kernel/fs/needed.ko
kernel/fs/needed.ko:
kernel/fs/xfs.ko: kernel/fs/needed.ko
kernel/drivers/media/tv.ko:
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    release = tmp_path / "7.2"
    for line in DEP.splitlines():
        file = release / line.partition(":")[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (release / "modules.dep").write_text(DEP)
    return tmp_path


def test_modules_are_loaded_once_each_and_after_what_they_need(modules: Path) -> None:
    tree = Loading(str(modules / "7.2"))
    assert tree.load(["macsec", "8021q", "not_there", "macsec", "gcm"]) == []
    assert tree.inserted == ["low.ko", "gcm.ko", "macsec.ko", "8021q.ko.xz"]


def test_a_refused_module_is_named_with_the_kernels_reason(modules: Path) -> None:
    assert Loading(str(modules / "7.2")).load(["bad_one"]) == [f"bad_one: {os.strerror(95)}"]


def test_only_network_modules_and_what_they_need_are_kept(modules: Path) -> None:
    prune_modules(modules)
    kept = {file.name for file in modules.rglob("*.ko*")}
    assert kept == {"macsec.ko", "gcm.ko", "low.ko", "8021q.ko.xz", "bad-one.ko", "needed.ko"}
    assert not (modules / "7.2/kernel/drivers/media").exists()


def test_a_cache_that_was_moved_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernel = fetched("sid")
    assert not kernel.present
    kernel.modules.mkdir(parents=True)
    kernel.binary.touch()
    kernel.made_for.write_text(str(kernel.folder))
    assert kernel.present
    kernel.made_for.write_text("/elsewhere")
    assert not kernel.present
