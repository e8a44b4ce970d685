"""Two settings that pytest needs before it collects: nbval's repair, and threads that do not fight.

nbval runs cells with `store_history=False` (nbval issue 194), which makes IPython ignore a trailing semicolon: a cell
that ends in one would print a value that the stored notebook does not have. The repair asks for history.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")


def pytest_configure(config):
    if not config.getoption("nbval", False):
        return
    from nbval import kernel

    def execute(self, code, allow_stdin=None):
        return self.kc.execute(code, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    kernel.RunningKernel.execute_cell_input = execute
