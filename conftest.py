"""What pytest needs before it collects: nbval's repair, threads that do not fight, and a Ctrl-C that is heard.

nbval runs cells with `store_history=False` (nbval issue 194), which makes IPython ignore a trailing semicolon: a cell
that ends in one would print a value that the stored notebook does not have. The repair asks for history.
"""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")


def pytest_configure(config):
    # a shell starts background jobs deaf to Ctrl-C, and tests send it to themselves and to children, who inherit that
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.getoption("nbval", False):
        return
    from nbval import kernel

    def execute(self, code, allow_stdin=None):
        return self.kc.execute(code, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    kernel.RunningKernel.execute_cell_input = execute
