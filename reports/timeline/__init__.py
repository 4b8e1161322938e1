"""The whole history as one canvas to pan, zoom, search and filter, with a table as its twin.

    facts -> kept rows (sampling) -> what is told (telling) -> columns -> fragment -> page

It shows what checks and facts have found and judges nothing itself. The part that runs in the
browser lies in ``browser/``, plain JavaScript that only this package's data can reach.
"""

from .fragment import fragment, timeline_page

__all__ = ["fragment", "timeline_page"]
