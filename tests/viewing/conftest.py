import shutil
from collections.abc import Iterator
from typing import Any

import pytest

# Names of the browser in the packages of distributions.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the distribution, driven by playwright."""
    driver = pytest.importorskip(
        "playwright.sync_api",
        reason="playwright is not installed: pip install -e '.[browser]'",
    )
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(f"no {' or '.join(CHROMIUM)} is installed")
    with driver.sync_playwright() as playwright:
        # In a container without user namespaces Chromium runs without its sandbox.
        browser = playwright.chromium.launch(
            executable_path=path, chromium_sandbox=False
        )
        yield browser
        browser.close()
