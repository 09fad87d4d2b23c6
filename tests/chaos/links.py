# SPDX-License-Identifier: Apache-2.0
"""A network namespace for a worker, and the wire to it, which can be cut in
both directions or in one. The near end is in the namespace of own_net.py."""
import subprocess

NOBODY = "02:00:00:00:00:01"  # no card has it: what is sent to it is lost


class Link:
    def __init__(self, number):
        net = f"10.{number >> 8 & 255}.{number & 255}"
        self.near, self.far = f"{net}.1", f"{net}.2"
        self.name = f"chaos{number & 0xffff}"
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c",
             "ip link set lo up && echo && exec sleep infinity"],
            stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.ip("link", "add", self.name, "type", "veth", "peer", "name",
                "wire", "netns", str(self.holder.pid))
        self.ip("addr", "add", f"{self.near}/30", "dev", self.name)
        self.ip("addr", "add", f"{self.far}/30", "dev", "wire", inside=True)
        self.ip("link", "set", "wire", "up", inside=True)
        self.ip("link", "set", self.name, "up")

    def ip(self, *args, inside=False):
        subprocess.run([*(self.inside if inside else []), "ip", *args],
                       check=True, capture_output=True)

    def cut(self, how):
        if how == "both":
            self.ip("link", "set", self.name, "down")
        elif how == "to":
            self.ip("neigh", "replace", self.far, "lladdr", NOBODY, "dev",
                    self.name, "nud", "permanent")
        else:
            self.ip("neigh", "replace", self.near, "lladdr", NOBODY, "dev",
                    "wire", "nud", "permanent", inside=True)

    def mend(self, how):
        if how == "both":
            self.ip("link", "set", self.name, "up")
        elif how == "to":
            self.ip("neigh", "del", self.far, "dev", self.name)
        else:
            self.ip("neigh", "del", self.near, "dev", "wire", inside=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
