"""What can be known offline of cluster/kubernetes and cluster/apptainer."""

import re
import shlex

import pytest
from conftest import SOURCE

yaml = pytest.importorskip("yaml")

MPIJOB = SOURCE / "cluster" / "kubernetes" / "mpijob.yaml"
DEFINITION = SOURCE / "cluster" / "apptainer" / "gainsweep.def"

# Kubernetes refuses or drops unknown fields. These are the ones that the manifest may use.
JOB_FIELDS = {
    "slotsPerWorker",
    "mpiImplementation",
    "launcherCreationPolicy",
    "runPolicy",
    "mpiReplicaSpecs",
}
POLICY_FIELDS = {"cleanPodPolicy", "backoffLimit", "suspend", "activeDeadlineSeconds"}
REPLICA_FIELDS = {"replicas", "restartPolicy", "template"}
POD_FIELDS = {
    "containers",
    "volumes",
    "hostIPC",
    "nodeSelector",
    "terminationGracePeriodSeconds",
    "tolerations",
}
CONTAINER_FIELDS = {
    "name",
    "image",
    "workingDir",
    "command",
    "args",
    "env",
    "securityContext",
    "resources",
    "volumeMounts",
}
QUANTITY = re.compile(r"[1-9][0-9]*(m|[KMGT]i?)?")


@pytest.fixture(scope="module")
def job() -> dict:
    return yaml.safe_load(MPIJOB.read_text())


def pods(job) -> dict[str, dict]:
    return {name: r["template"]["spec"] for name, r in job["spec"]["mpiReplicaSpecs"].items()}


def containers(job) -> list[dict]:
    return [container for pod in pods(job).values() for container in pod["containers"]]


def launch_words(job) -> list[str]:
    (launcher,) = pods(job)["Launcher"]["containers"]
    return launcher["command"] + launcher["args"]


def test_it_is_an_mpijob_of_known_fields(job):
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    assert re.fullmatch(r"[a-z0-9-]+", job["metadata"]["name"])
    assert set(job["spec"]) <= JOB_FIELDS
    assert set(job["spec"]["runPolicy"]) <= POLICY_FIELDS
    assert set(job["spec"]["mpiReplicaSpecs"]) == {"Launcher", "Worker"}
    for replica in job["spec"]["mpiReplicaSpecs"].values():
        assert set(replica) <= REPLICA_FIELDS
        assert replica["restartPolicy"] in {"Always", "OnFailure", "Never", "ExitCode"}
        assert set(replica["template"]) <= {"metadata", "spec"}


def test_pods_are_whole(job):
    for pod in pods(job).values():
        assert set(pod) <= POD_FIELDS
        assert len(pod["containers"]) == 1
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert set(container) <= CONTAINER_FIELDS
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            words = container["command"] + container["args"]
            assert all(isinstance(word, str) for word in words)
            for variable in container.get("env", []):
                assert set(variable) == {"name", "value"}
                assert isinstance(variable["value"], str)


def test_all_pods_share_image_and_files(job):
    assert len({container["image"] for container in containers(job)}) == 1
    assert len({container["workingDir"] for container in containers(job)}) == 1
    assert len({repr(pod["volumes"]) for pod in pods(job).values()}) == 1


def test_resources_are_askable(job):
    for container in containers(job):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        for quantity in [*requests.values(), *limits.values()]:
            assert QUANTITY.fullmatch(str(quantity)), quantity
        # Devices and huge pages cannot be overcommitted: Kubernetes wants both sides equal.
        for name in {n for n in {*requests, *limits} if "/" in n or n.startswith("hugepages")}:
            assert requests[name] == limits[name]


def test_a_rank_a_slot_and_a_device(job):
    words = launch_words(job)
    slots = job["spec"]["slotsPerWorker"]
    replicas = job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"]
    assert int(words[words.index("-np") + 1]) == slots * replicas
    (worker,) = pods(job)["Worker"]["containers"]
    assert worker["resources"]["limits"]["habana.ai/gaudi"] == slots


def test_the_launcher_starts_a_run(job):
    words = launch_words(job)
    assert words[0] == "mpirun"
    assert words[words.index("--bind-to") + 1] == "none"
    assert words[words.index("gainsweep") :][:2] == ["gainsweep", "run"]
    assert "--out" in words
    environment = {variable["name"] for variable in pods(job)["Launcher"]["containers"][0]["env"]}
    assert {words[i + 1] for i, word in enumerate(words) if word == "-x"} == environment


def sections() -> dict[str, list[str]]:
    """Lines by section of the Apptainer definition; its header is the section ''."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in DEFINITION.read_text().splitlines():
        if match := re.fullmatch(r"%(\w+)", line):
            name = match[1]
            found[name] = []
        elif line.strip():
            found[name].append(line.strip())
    return found


def test_the_definition_copies_what_a_build_needs():
    copied = [shlex.split(line) for line in sections()["files"]]
    assert all((SOURCE / source).exists() for source, _ in copied)
    assert all(target == f"/opt/gainsweep/{source}" for source, target in copied)
    text = (SOURCE / "CMakeLists.txt").read_text().split("if(BUILD_TESTING)")[0]
    needed = {folder.split("/")[0] for folder in re.findall(r"add_subdirectory\((\S+)\)", text)}
    needed |= {"CMakeLists.txt", "CMakePresets.json", "cmake", "scripts", "analysis", "configs"}
    assert needed <= {source for source, _ in copied}


def test_the_definition_sets_up_and_runs_the_program():
    parts = sections()
    assert {"Bootstrap: docker", "From: debian:12"} == set(parts[""])
    assert parts["post"][:2] == ["cd /opt/gainsweep", "scripts/setup"]
    assert "/opt/gainsweep/build:" in parts["environment"][0]
    assert parts["runscript"] == ['exec gainsweep "$@"']
