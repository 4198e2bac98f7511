"""What can be known offline of cluster/kubernetes and cluster/apptainer."""

import copy
import os
import re
import shlex
import signal
import subprocess

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
POLICY_FIELDS = {
    "cleanPodPolicy",
    "backoffLimit",
    "suspend",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
}
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
    "readinessProbe",
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


def refusals(job) -> list[str]:
    """What the operator's validation and schema (v2beta1) say against a job."""
    spec, found = job["spec"], []
    replicas, policy = spec.get("mpiReplicaSpecs", {}), spec.get("runPolicy", {})

    def expect(holds: bool, field: str):
        if not holds:
            found.append(field)

    last = replicas.get("Worker", {}).get("replicas", 1) - 1
    host = f"{job['metadata']['name']}-worker-{last}"  # has to be a DNS label
    expect(len(host) <= 63 and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", host), "name")
    expect(spec.get("slotsPerWorker", 1) >= 0, "slotsPerWorker")
    expect(spec.get("mpiImplementation", "OpenMPI") in {"OpenMPI", "Intel", "MPICH"}, "mpi")
    expect(spec.get("sshAuthMountPath", "keys") != "", "sshAuthMountPath")
    creation = spec.get("launcherCreationPolicy", "AtStartup")
    expect(creation in {"AtStartup", "WaitForWorkersReady"}, "launcherCreationPolicy")
    expect(policy.get("cleanPodPolicy", "None") in {"None", "Running", "All"}, "cleanPodPolicy")
    for name in ("ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"):
        expect(policy.get(name, 0) >= 0, name)
    expect("Launcher" in replicas, "launcher")
    for name, replica in replicas.items():
        number = replica.get("replicas", 1)
        expect(number == 1 if name == "Launcher" else number >= 1, f"{name} replicas")
        expect(replica.get("restartPolicy", "Never") in {"Never", "OnFailure"}, f"{name} restart")
        expect(len(replica["template"]["spec"].get("containers", [])) > 0, f"{name} containers")
    return found


def test_it_is_an_mpijob_of_known_fields(job):
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    assert set(job["spec"]) <= JOB_FIELDS
    assert set(job["spec"]["runPolicy"]) <= POLICY_FIELDS
    assert set(job["spec"]["mpiReplicaSpecs"]) == {"Launcher", "Worker"}
    for replica in job["spec"]["mpiReplicaSpecs"].values():
        assert set(replica) <= REPLICA_FIELDS
        assert set(replica["template"]) <= {"metadata", "spec"}


def test_the_operator_takes_it(job):
    assert refusals(job) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "Gainsweep"),
        ("metadata.name", "g" * 55),  # with "-worker-1" too long for a DNS label
        ("spec.slotsPerWorker", -1),
        ("spec.mpiImplementation", "OpenMPI5"),
        ("spec.sshAuthMountPath", ""),
        ("spec.launcherCreationPolicy", "Always"),
        ("spec.runPolicy.cleanPodPolicy", "Never"),
        ("spec.runPolicy.backoffLimit", -1),
        ("spec.mpiReplicaSpecs.Launcher.replicas", 2),
        ("spec.mpiReplicaSpecs.Launcher.restartPolicy", "ExitCode"),
        ("spec.mpiReplicaSpecs.Worker.restartPolicy", "Always"),
        ("spec.mpiReplicaSpecs.Worker.replicas", 0),
        ("spec.mpiReplicaSpecs.Worker.template.spec.containers", []),
    ],
)
def test_what_the_operator_refuses_is_refused_here(job, path, value):
    changed = copy.deepcopy(job)
    *parents, name = path.split(".")
    place = changed
    for parent in parents:
        place = place[parent]
    place[name] = value
    assert len(refusals(changed)) == 1


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
    assert words[:2] == ["bash", "-c"]
    assert words[4] == "mpirun"
    assert words[words.index("--bind-to") + 1] == "none"
    assert words[words.index("gainsweep") :][:2] == ["gainsweep", "run"]
    assert "--out" in words
    environment = {variable["name"] for variable in pods(job)["Launcher"]["containers"][0]["env"]}
    assert {words[i + 1] for i, word in enumerate(words) if word == "-x"} == environment


def start_launcher(job, folder, *codes: int) -> subprocess.Popen:
    """The launcher's script with an mpirun that ends with these codes in turn; at 1000 it waits for
    a signal."""
    launcher = launch_words(job)
    (folder / "codes").write_text("".join(f"{code}\n" for code in codes))
    program = folder / "mpirun"
    program.write_text(
        "#!/bin/bash\n"
        "echo run >>runs\n"
        "code=$(head -1 codes); sed -i 1d codes\n"
        "trap 'echo TERM >>runs; exit 143' TERM\n"
        "trap 'echo USR1 >>runs; exit 75' USR1\n"
        'if [ "$code" = 1000 ]; then touch waits; for i in {1..200}; do sleep 0.05; done; fi\n'
        'exit "${code:-9}"\n'
    )
    program.chmod(0o755)
    return subprocess.Popen(
        launcher, cwd=folder, env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}
    )


def runs(folder) -> list[str]:
    return (folder / "runs").read_text().split()


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_only_a_stopped_run_is_tried_again(job, tmp_path, code):
    assert start_launcher(job, tmp_path, 75, 75, code).wait(timeout=20) == code
    assert runs(tmp_path) == ["run"] * 3
    assert job["spec"]["runPolicy"]["backoffLimit"] == 0


@pytest.mark.parametrize(
    ("name", "code", "did"),
    [
        ("TERM", 143, ["run", "TERM"]),  # the pod goes: nothing is started again
        ("USR1", 0, ["run", "USR1", "run"]),
    ],
)
def test_a_signal_to_the_pod_reaches_the_run(job, tmp_path, name, code, did):
    process = start_launcher(job, tmp_path, 1000, 0)
    for _ in range(400):
        if (tmp_path / "waits").exists():
            break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    process.send_signal(signal.Signals[f"SIG{name}"])
    assert process.wait(timeout=20) == code
    assert runs(tmp_path) == did


def test_a_failed_pod_stays_with_its_log(job):
    assert job["spec"]["mpiReplicaSpecs"]["Launcher"]["restartPolicy"] == "Never"
    assert job["spec"]["runPolicy"]["cleanPodPolicy"] != "All"


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


def installed_files() -> set[str]:
    text = (SOURCE / "cmake" / "Install.cmake").read_text()
    return set(re.findall(r"[A-Za-z_./]+\.(?:md|cff|json)|LICENSE", text))


def test_the_definition_copies_what_a_build_needs():
    copied = [shlex.split(line) for line in sections()["files"]]
    assert all((SOURCE / source).exists() for source, _ in copied)
    assert all(target == f"/opt/gainsweep/{source}" for source, target in copied)
    text = (SOURCE / "CMakeLists.txt").read_text().split("if(BUILD_TESTING)")[0]
    needed = {folder.split("/")[0] for folder in re.findall(r"add_subdirectory\((\S+)\)", text)}
    needed |= {"CMakeLists.txt", "CMakePresets.json", "cmake", "scripts", "analysis", "configs"}
    needed |= {name.split("/")[0] for name in installed_files()}
    assert needed <= {source for source, _ in copied}


def test_the_definition_records_the_commit():
    parts = sections()
    (written,) = [line for line in parts["setup"] if "describe" in line]
    assert written.endswith('> "$APPTAINER_ROOTFS/opt/gainsweep/COMMIT"')
    assert any("revision" in line and "APPTAINER_LABELS" in line for line in parts["post"])


@pytest.mark.parametrize(
    ("commit", "told"),
    [("0123456789ab", "0123456789ab"), (None, "unknown"), ("$Format:%h$", "unknown")],
)
def test_a_copy_without_version_control_tells_its_commit(tmp_path, commit, told):
    source = tmp_path / "source"
    source.mkdir()
    if commit:
        (source / "COMMIT").write_text(commit + "\n")
    output = tmp_path / "build_info.cpp"
    subprocess.run(
        ["cmake", f"-DSOURCE={source}", "-DVERSION=1", f"-DOUTPUT={output}", "-P",
         SOURCE / "cmake" / "BuildInfo.cmake"],
        check=True,
    )  # fmt: skip
    assert f'program_commit = "{told}"' in output.read_text()


def test_a_folder_inside_another_checkout_is_not_of_its_commit(tmp_path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", tmp_path]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "A"], check=True)
    test_a_copy_without_version_control_tells_its_commit(tmp_path, None, "unknown")


def test_the_definition_sets_up_and_runs_the_program():
    parts = sections()
    assert {"Bootstrap: docker", "From: debian:12"} == set(parts[""])
    assert parts["post"][:2] == ["cd /opt/gainsweep", "scripts/setup"]
    assert "/opt/gainsweep/build:" in parts["environment"][0]
    assert parts["runscript"] == ['exec gainsweep "$@"']
