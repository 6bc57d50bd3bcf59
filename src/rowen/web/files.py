"""The files of the pages, and the one that is for pages of others."""

import os
from pathlib import PurePath

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WIDGET = "feedback.js"


class Files(StaticFiles):
    """Serves a folder. The feedback widget may be loaded by pages of any origin, which modules have to be allowed."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        if PurePath(full_path).name == WIDGET:
            response.headers["access-control-allow-origin"] = "*"
        return response
