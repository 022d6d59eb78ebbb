"""Where the node's folder goes, and that only a whole archive is unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from profilestore.elastic import node_folder
from profilestore.elastic.node_folder import NodeFolder, RunAs, locate, remove


class Somebody(RunAs):
    """A user who may, or may not, enter the home."""

    def __init__(self, *, may_enter: bool) -> None:
        super().__init__(uid=65534, gid=65534)
        object.__setattr__(self, "may_enter", may_enter)

    def may(self, *, test: str, path: Path) -> bool:
        return bool(self.may_enter)  # type: ignore[attr-defined]  # set past the frozen dataclass


@pytest.mark.parametrize("user", [None, Somebody(may_enter=True)])
def test_the_folder_is_in_the_home_where_the_server_can_enter_it(tmp_path: Path, user: RunAs | None) -> None:
    folder = node_folder._make(tmp_path, user=user)
    assert folder.path == tmp_path.resolve() / "node"
    assert locate(tmp_path) == folder
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_root_s_folder_is_elsewhere_where_nobody_may_not_enter_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_folder, "ROOTS_FOLDER", tmp_path / "var")
    home = tmp_path / "root" / ".profilestore"
    home.mkdir(parents=True)
    folder = node_folder._make(home, user=Somebody(may_enter=False))
    assert folder.path.parent == tmp_path / "var"
    assert (home / "node").is_symlink()
    assert locate(home) == folder
    (folder.path / "data").mkdir()
    remove(home)
    assert list((tmp_path / "var").iterdir()) == []
    assert locate(home) is None
    assert list(home.iterdir()) == []


def test_a_home_whose_link_leads_nowhere_gets_a_new_folder(tmp_path: Path) -> None:
    (tmp_path / "node").symlink_to(tmp_path / "gone")
    assert locate(tmp_path) is None
    assert node_folder._make(tmp_path, user=None).path.is_dir()


def test_a_broken_archive_is_not_whole(tmp_path: Path) -> None:
    broken = tmp_path / "elasticsearch.zip"
    broken.write_bytes(b"cut off")
    assert not node_folder._is_whole(broken)
    assert not node_folder._is_whole(tmp_path / "missing.zip")


def test_programs_can_be_run_and_all_can_be_read_whatever_the_umask(tmp_path: Path) -> None:
    root = f"elasticsearch-{node_folder.VERSION}"
    archive = tmp_path / "server.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{root}/bin/elasticsearch", "#!/bin/sh\n")
        packed.writestr(f"{root}/lib/deep/server.jar", "jar")
    folder = NodeFolder(tmp_path / "node")
    folder.path.mkdir()
    before = os.umask(0o077)
    try:
        node_folder._unpack(archive, folder)
    finally:
        os.umask(before)
    assert (folder.distribution / "bin" / "elasticsearch").stat().st_mode & 0o777 == 0o755
    assert (folder.distribution / "lib" / "deep" / "server.jar").stat().st_mode & 0o777 == 0o644
    assert (folder.distribution / "lib").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in folder.path.iterdir()) == [root]


def test_a_file_is_written_anew_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep", encoding="utf-8")
    (tmp_path / "elasticsearch.yml").symlink_to(tmp_path / "precious")
    node_folder.write_new(tmp_path / "elasticsearch.yml", b"node.name: n\n")
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "keep"
    assert not (tmp_path / "elasticsearch.yml").is_symlink()
