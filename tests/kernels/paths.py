"""Which CPU paths this machine runs."""

from zkstate.kernels import CPU_PATHS, best_path, cpu_words


def runnable_paths():
    return CPU_PATHS[: CPU_PATHS.index(best_path(cpu_words())) + 1]
