"""Gestures that the tests of JupyterLab share. It knows the page of JupyterLab and no notebook."""

READY = "Python 3 (ipykernel) | Idle"
"""in the status bar, where it stands only once the kernel has answered; before that, Run All runs nothing"""
WAIT_MS = 240_000


def run_all(page, address: str) -> None:
    """Open the notebook at an address of JupyterLab, wait for its kernel and press Run All."""
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_text(READY).wait_for(timeout=WAIT_MS)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Escape")
    page.locator(".lm-MenuBar-item", has_text="Run").first.click()
    page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()
