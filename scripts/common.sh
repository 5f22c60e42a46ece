# Shared by the scripts: where things are, how they speak. Sourced, not run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/quipu
model_name=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

say() { printf '\n== %s\n' "$*"; }
die() { printf '\nerror: %s\n' "$*" >&2; exit 1; }

# Configures and builds: build_preset PRESET CMAKE_OPTIONS... -- TARGETS...
build_preset() {
    local preset=$1 options=() log
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# -eq 0 ] || shift
    log=$root/build/$preset.log
    mkdir -p "$root/build"
    (cd "$root" && cmake --preset "$preset" "${options[@]}" >"$log" 2>&1) || { tail -n 30 "$log"; die "configuring failed ($log)"; }
    grep -h 'left out' "$log" || true
    # Each compiler process can take 1.5 GB.
    local jobs memory
    memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
    jobs=$(nproc)
    [ "$memory" -ge "$jobs" ] || jobs=$((memory > 0 ? memory : 1))
    cmake --build "$root/build/$preset" -j "$jobs" --target "$@" >>"$log" 2>&1 || { grep -E 'error|FAILED' "$log" | head -n 20; die "building failed ($log)"; }
}
