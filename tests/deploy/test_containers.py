# SPDX-License-Identifier: Apache-2.0
"""The manifests of Kubernetes and of compose: they render, keep to what they
promise, and start the programs with options that these know. With root the
commands of the pods are run as a node would run them."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parent.parent / "deploy"
sys.path.insert(0, str(HERE.parent / "cluster"))
from conftest import Process, free_port, program, run, wait_for  # noqa: E402

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
USER = 65532


def rendered(name):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    p = subprocess.run(["kubectl", "kustomize",
                        str(DEPLOY / "kubernetes" / name)],
                       capture_output=True, text=True, timeout=60)
    if p.returncode != 0 and "unknown" in p.stderr:
        pytest.skip(f"kubectl is too old: {p.stderr.strip()}")
    assert p.returncode == 0, p.stderr
    return {(d["kind"], d["metadata"]["name"]): d
            for d in yaml.safe_load_all(p.stdout)}


def plain():
    """The base without kubectl: what is in its files."""
    docs = {}
    for path in (DEPLOY / "kubernetes/base").glob("[a-jl-z]*.yaml"):
        for d in yaml.safe_load_all(path.read_text()):
            docs[(d["kind"], d["metadata"]["name"])] = d
    return docs


def pods(docs):
    return {name.removeprefix("logtally-"): d["spec"]["template"]["spec"]
            for (kind, name), d in docs.items()
            if kind in ("StatefulSet", "DaemonSet")}


def knows(command):
    """The program takes these options."""
    p = subprocess.run([program(command[0]), *command[1:], "--print-config"],
                       capture_output=True, text=True, timeout=20)
    assert p.returncode == 0, p.stderr


def test_base_is_what_its_files_say():
    docs = rendered("base")
    assert set(docs) == set(plain())
    images = {c["image"] for p in pods(docs).values()
              for c in p["containers"]}
    assert len(images) == 1 and re.fullmatch(r"logtally:[0-9.]+",
                                             images.pop())


def test_pods_are_locked_and_bounded():
    for name, pod in pods(plain()).items():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {
            "type": "RuntimeDefault"}
        (c,) = pod["containers"]
        assert c["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}}
        assert set(c["resources"]["limits"]) == {"cpu", "memory"}
        assert "exec" in c["readinessProbe"]
        knows(c["command"])
        declared = {v["name"] for v in pod["volumes"]} | {"state"}
        for mount in c["volumeMounts"]:
            assert mount["name"] in declared
            assert mount.get("readOnly") or mount["name"] == "state"


def test_root_reads_and_changes_users_and_no_more():
    worker = pods(rendered("as-root"))["worker"]
    assert worker["securityContext"]["runAsUser"] == 0
    assert worker["containers"][0]["securityContext"]["capabilities"] == {
        "drop": ["ALL"],
        "add": ["DAC_READ_SEARCH", "SETUID", "SETGID", "KILL"]}


def test_ports_are_let_through():
    docs = plain()
    open_ports = {c["containerPort"] for p in pods(docs).values()
                  for c in p["containers"][0]["ports"]}
    for way in ("ingress", "egress"):
        let = {port["port"] for (kind, _), d in docs.items()
               if kind == "NetworkPolicy" for rule in d["spec"][way]
               for port in rule["ports"]} - {53}
        assert let == open_ports == {7700, 7701, 7702, 7710}
    service = docs[("Service", "logtally")]
    assert {p["port"] for p in service["spec"]["ports"]} == {7700, 7701, 7702}


def test_compose_starts_what_there_is():
    doc = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    services = doc["services"]
    for name, s in services.items():
        assert s["read_only"] is True and s["cap_drop"] == ["ALL"], name
        if s["command"][0].startswith("logtally-"):
            knows(s["command"])
        for volume in s["volumes"]:
            source = volume.split(":")[0]
            assert source in doc["volumes"] or \
                (DEPLOY / "container" / source).is_dir(), volume
    p = subprocess.run(["sh", "-n", "-c", services["keys"]["command"][2]
                        .replace("$$", "$")], timeout=20)
    assert p.returncode == 0


class Node:
    """Files as a node mounts those of secrets: one by one, of root, for the
    group of the pod."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.pod = "coordinator"
        self.ports = {"7700": free_port(), "7701": free_port()}

    def secret(self, source, to):
        to = self.folder / self.pod / to
        to.parent.mkdir(parents=True, exist_ok=True)
        for folder in to.relative_to(self.folder).parents:
            (self.folder / folder).chmod(0o755)
        shutil.copy(source, to)
        os.chown(to, 0, USER)
        to.chmod(0o440)

    def here(self, text):
        text = re.sub(r"(?<==)/(keys|probe|state)", 
                      rf"{self.folder}/{self.pod}/\1", text)
        return text.replace("tcp://logtally:", "tcp://127.0.0.1:").replace(
            ":7700", f":{self.ports['7700']}").replace(
            "$(NODE_NAME)", "node1").replace("$(POD_IP)", "127.0.0.1")

    def argv(self, command, env, *more):
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}",
                "--clear-groups", "--bounding-set=-all", "--no-new-privs",
                "env", "-i", f"PATH={Path(program('logtally')).parent}:/bin",
                *(self.here(f"{e['name']}={e['value']}") for e in env
                  if "value" in e),
                *map(self.here, command), *more]

    def start(self, name, container, *more):
        p = Process(self.folder, name, self.argv(
            container["command"], container["env"], *more))
        self.processes.append(p)
        return p

    def ask(self, container, probe):
        return subprocess.run(
            self.argv(container[probe]["exec"]["command"], container["env"]),
            capture_output=True, text=True, timeout=30)


@pytest.fixture
def node():
    if os.geteuid() != 0:
        pytest.skip("only root can make files as a node does")
    folder = Path(tempfile.mkdtemp(prefix="logtally-node-"))
    folder.chmod(0o755)
    n = Node(folder)
    yield n
    for p in reversed(n.processes):
        p.stop()
    shutil.rmtree(folder)


def test_pods_work_with_the_files_of_a_node(node):
    made = node.folder / "made"
    run("keys", "init", made)
    run("keys", "new", made, "probe", "--role", "client")
    run("keys", "new", made, "nodes", "--role", "worker", "--host", "*")
    node.secret(made / "coordinator_secret", "keys/coordinator_secret")
    for name in ("admin", "probe", "nodes"):
        node.secret(made / "allowed" / name, f"keys/allowed/{name}")
    for name in ("self_secret", "coordinator"):
        node.secret(made / "issued/probe" / name, f"probe/{name}")
    state = node.folder / "coordinator/state"
    state.mkdir()
    os.chown(state, 0, USER)
    state.chmod(0o2775)
    c = pods(plain())["coordinator"]["containers"][0]
    assert node.ask(c, "readinessProbe").returncode != 0
    node.start("coordinator", c, "--control-port", str(node.ports["7700"]),
               "--sink-port", str(node.ports["7701"])).until(
                   "coordinator-ready")
    p = node.ask(c, "readinessProbe")
    assert p.returncode == 0, p.stderr

    node.pod = "worker"
    for name in ("self_secret", "coordinator"):
        node.secret(made / "issued/nodes" / name, f"keys/{name}")
    w = pods(plain())["worker"]["containers"][0]
    p = node.ask(w, "readinessProbe")
    assert p.returncode == 0, p.stderr
    node.start("worker", w, "--intake-port", "0").until("worker-registered")
    up = run("workers", "--json", "--coordinator",
             f"tcp://127.0.0.1:{node.ports['7700']}", "--keys",
             made / "issued/admin")
    (worker,) = json.loads(up.stdout)
    assert (worker["name"], worker["state"]) == ("node1", "up")
