"""Without a box: the same operations under the store's lock."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations.offline import perform_offline
from provisioning.site_default import default_site
from tests.support.operations import ADMINISTRATOR, opened


def test_changes_last(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    (tmp_path / "site.toml").write_text(default_site("192.0.2.7"))
    made = perform_offline(str(tmp_path), ADMINISTRATOR, "extension.add", {"name": "a"})
    assert made["uri"] == "sip:100@192.0.2.7;transport=udp"
    assert perform_offline(str(tmp_path), ADMINISTRATOR, "extension.list", {})[0]["number"] == "100"


def test_site_file_in_the_way_is_said(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    (tmp_path / "site.toml").write_text("name = 3\n")
    with pytest.raises(OperatorError, match=r"site\.toml:1: name: 3 is not a text"):
        perform_offline(str(tmp_path), ADMINISTRATOR, "extension.add", {"name": "a"})
    assert perform_offline(str(tmp_path), ADMINISTRATOR, "extension.list", {}) == []


def test_lock_store_and_box_are_needed(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no store"):
        perform_offline(str(tmp_path), ADMINISTRATOR, "extension.list", {})
    with opened(tmp_path), pytest.raises(OperatorError, match=r"already open|in use"):
        perform_offline(str(tmp_path), ADMINISTRATOR, "extension.list", {})
    with pytest.raises(OperatorError, match="no box is running"):
        perform_offline(str(tmp_path), ADMINISTRATOR, "stop", {})
