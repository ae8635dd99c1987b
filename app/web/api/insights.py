"""Figures over time."""

from __future__ import annotations

from app.domain.errors import SiteUnknown
from app.services.people.tokens import Scope, Token
from app.services.telling import insights
from app.web.api import shapes
from app.web.api.operations import operation, seen
from app.web.security import core


@operation("GET", "/insights", Scope.READ, shapes.Insights, query=shapes.InsightsQuery, raises=(SiteUnknown,))
def read_insights(token: Token, query: shapes.InsightsQuery) -> shapes.Insights:
    """Give what was judged, hidden, restored and answered each day, how long it took, and how often people agreed."""
    return shapes.figures(insights.figures(core(), seen(token, query.site), query.days))
