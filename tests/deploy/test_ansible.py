# SPDX-License-Identifier: Apache-2.0
"""deploy/ansible as far as it can be looked at without hosts; `./dev
ansible-test` runs it against three."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = ROOT / "deploy" / "ansible"
ROLE = ANSIBLE / "roles" / "logtally"
FILES = sorted(ANSIBLE.rglob("*.yml"))


def tasks():
    for path in (ROLE / "tasks").glob("*.yml"):
        for task in yaml.safe_load(path.read_text()):
            yield path, task


def test_all_of_it_is_yaml():
    assert len(FILES) > 6
    for path in FILES:
        assert yaml.safe_load(path.read_text()), path


@pytest.mark.skipif(shutil.which("ansible-playbook") is None,
                    reason="ansible-core is not installed")
def test_ansible_takes_it(tmp_path):
    p = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", ANSIBLE / "inventory.ini",
         ANSIBLE / "site.yml"], capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path),
             "LC_ALL": "C.UTF-8"})
    assert p.returncode == 0, p.stdout + p.stderr
    assert "WARNING" not in p.stderr, p.stderr


def test_each_task_has_a_name_and_a_module_of_ansible_itself():
    """Who has ansible-core alone can run it."""
    for path, task in tasks():
        modules = [k for k in task if "." in k]
        assert task["name"] and len(modules) == 1, (path, task)
        assert modules[0].startswith("ansible.builtin."), (path, task)


def test_handlers_and_variables_are_there_and_used():
    handlers = {h["name"] for h in
                yaml.safe_load((ROLE / "handlers/main.yml").read_text())}
    notified = {t["notify"] for _, t in tasks() if "notify" in t}
    assert notified == handlers
    variables = set(yaml.safe_load((ROLE / "defaults/main.yml").read_text()))
    text = "".join(p.read_text() for p in (ROLE / "tasks").glob("*.yml"))
    assert {v for v in variables if v not in text} == set()
    used = set(re.findall(r"\blogtally_[a-z_]+", text))
    own = {"logtally_debs", "logtally_issued", "logtally_wanted",
           "logtally_workers", "logtally_workers_told"}
    assert used - own <= variables


def test_secrets_are_not_printed():
    for path, task in tasks():
        if "issued" in str(task) and "slurp" in str(task) or \
                "b64decode" in str(task):
            assert task.get("no_log") is True, (path, task["name"])
