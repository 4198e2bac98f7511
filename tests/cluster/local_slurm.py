"""A real Slurm of two nodes on this one machine: munged, slurmctld and two slurmd, loopback only.

Every node is a process in namespaces of its own (host name, processes, mounts, shared memory), so
Open MPI sees distinct machines and a node is lost by killing one process. All daemons run in the
foreground as children that the kernel kills when this process dies; nothing outlives a test.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

NODES = ("node1", "node2")
CPUS_PER_NODE = 8  # claimed, whatever the machine has
GAUDI_PER_NODE = 8
UNSHARE = ["unshare", "--uts", "--ipc", "--mount", "--pid", "--fork", "--mount-proc"]
UNSHARE += ["--kill-child=KILL"]

CONFIGURATION = """\
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={state}/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={state}/control
SlurmdSpoolDir={state}/%n
TmpFS={state}/%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/%n.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gaudi
MailProg=/bin/true
ReturnToService=2
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName=node[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]}-{ports[2]}] \
CPUs={cpus} RealMemory=4096 Gres=gaudi:{gaudi}
PartitionName=test Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP
"""


def obstacle() -> str:
    """Why no Slurm can be started here; empty when it can."""
    if os.geteuid() != 0:
        return "starting a Slurm needs root"
    programs = ("munged", "slurmctld", "slurmd", "sbatch", "mpirun", "unshare", "setpriv")
    missing = [name for name in programs if not shutil.which(name, path=_search_path())]
    if missing:
        return f"{', '.join(missing)} not installed (scripts/packages-test.txt lists the packages)"
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
        return "this container does not allow namespaces (unshare)"
    return ""


def wait_until(condition, seconds: float, what: str):
    """The first true value of `condition()`; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class LocalSlurm:
    """Starts on entering, stops everything on leaving. `state` is a folder for this one alone."""

    def __init__(self, state: Path):
        self.state = state
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))},
            "PATH": _search_path(),
            "SLURM_CONF": str(state / "slurm.conf"),
            # Two nodes of eight claimed CPUs on one machine: waiting ranks must not burn its cores.
            "OMPI_MCA_mpi_yield_when_idle": "1",
        }
        self._daemons: dict[str, subprocess.Popen] = {}

    def __enter__(self):
        try:
            self._write_configuration()
            self._start_munge()
            self._start("slurmctld", ["slurmctld", "-i", "-D"])
            for node in NODES:
                self.start_node(node)
            wait_until(lambda: self.idle_nodes() == set(NODES), 20, "both nodes idle")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends all daemons, nodes with everything that runs on them first."""
        for name in reversed(list(self._daemons)):
            if name in NODES:
                self._kill(name)
            else:
                self._terminate(name)

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        """Runs a client command such as `squeue` to its end."""
        return subprocess.run(
            words,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def idle_nodes(self) -> set[str]:
        return set(self.command("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").stdout.split())

    def job(self, number: str) -> dict[str, str]:
        """What `scontrol show job` knows: JobState, Restarts, ExitCode, Reason, ..."""
        words = self.command("scontrol", "--oneliner", "show", "job", number).stdout.split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def start_node(self, node: str):
        """A node with nothing left of its past."""
        shutil.rmtree(self.state / node, ignore_errors=True)
        (self.state / node).mkdir()
        script = (
            'hostname "$1" && mount -t tmpfs tmpfs /dev/shm && mount --bind "$2" /etc/hosts'
            ' && { slurmd -D -N "$1" & wait; }'  # the shell reaps the steps' orphans
        )
        hosts = str(self.state / "hosts")
        self._start(node, [*UNSHARE, "sh", "-c", script, "sh", node, hosts])

    def lose_node(self, node: str):
        """Kills all processes of a node and tells the controller, as a health check would."""
        self._kill(node)
        self.command("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def _write_configuration(self):
        for folder in ("munge", "control"):
            (self.state / folder).mkdir(parents=True)
        self.state.chmod(0o755)
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(
            host=host,
            state=self.state,
            ports=_free_ports(3),
            cpus=CPUS_PER_NODE,
            gaudi=GAUDI_PER_NODE,
        )
        (self.state / "slurm.conf").write_text(text)
        gres = f"NodeName=node[1-2] Name=gaudi Count={GAUDI_PER_NODE} Flags=CountOnly\n"
        (self.state / "gres.conf").write_text(gres)
        names = "".join(f"127.0.0.1 {node}\n" for node in NODES)
        (self.state / "hosts").write_text(Path("/etc/hosts").read_text() + names)

    def _start_munge(self):
        folder = self.state / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid"}
        files["seed-file"] = "seed"
        options = [f"--{option}={folder / name}" for option, name in files.items()]
        self._start("munged", ["munged", "--foreground", "--force", "--num-threads=2", *options])
        probe = ["munge", "-n", "-S", str(folder / "socket")]
        wait_until(lambda: self.command(*probe).returncode == 0, 10, "munged answers")

    def _start(self, name: str, command: list[str]):
        with (self.state / f"{name}.out").open("a") as output:
            self._daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _kill(self, name: str):
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def _terminate(self, name: str):
        """Unlike a kill this lets slurmctld end its own helper process."""
        self._daemons[name].terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._daemons[name].wait(10)
        self._kill(name)


def _search_path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    """Consecutive ports that nobody listens on now."""
    for first in range(16817, 18817, count):
        ports = list(range(first, first + count))
        if not any(_listens(port) for port in ports):
            return ports
    raise AssertionError("no free ports between 16817 and 18817")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
