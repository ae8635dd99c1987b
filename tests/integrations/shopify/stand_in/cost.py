"""Points: what a request costs before and after it ran, and the bucket that they are taken from.

Objects cost 1, scalars and enums 0, mutations 10: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits. Large
pages cost less than their size; how much less is not documented. `_page` fits the measured answers that we know: a product's
first 250 variants with one object each 25 (https://community.shopify.dev/t/23101), its first 50 media 19, and 7 if it has three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values, get_directive_values
from graphql.pyutils import Undefined

MUTATION = 10
MAX_QUERY_COST = 1_000
CONNECTION = 2


def _page(size: int) -> int:
    return 0 if size < 1 else max(1, round(2 * math.log(size)))


@dataclass
class Counter:
    """Count points of one operation with coerced variables; `data` is its answer, Undefined for all that it may answer."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]

    def __post_init__(self) -> None:
        definitions = self.document.definitions
        self.fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}

    def points(self, operation: OperationDefinitionNode, data: Any = Undefined) -> int:
        root = self.schema.get_root_type(operation.operation)
        return self._selection(operation.selection_set, root, data)

    def _selection(self, selections: SelectionSetNode | None, parent: Any, data: Any) -> int:
        if selections is None or data is None:
            return 0
        common, apart = 0, [0]
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                common += self._field(node, parent, data)
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)
            inner = self.schema.type_map[fragment.type_condition.name.value] if fragment.type_condition else parent
            cost = self._selection(fragment.selection_set, inner, data)
            # Of an interface's fragments only one can apply: the dearest is taken.
            if is_abstract_type(parent):
                apart.append(cost)
            else:
                common += cost
        return common + max(apart)

    def _included(self, node: SelectionNode) -> bool:
        include = get_directive_values(GraphQLIncludeDirective, node, dict(self.variables))
        skip = get_directive_values(GraphQLSkipDirective, node, dict(self.variables))
        return (include or {}).get("if", True) and not (skip or {}).get("if", False)

    def _field(self, node: FieldNode, parent: Any, data: Any) -> int:
        definition = parent.fields.get(node.name.value) if hasattr(parent, "fields") else None
        if definition is None or not is_composite_type(get_named_type(definition.type)):
            return 0
        named = get_named_type(definition.type)
        key = node.alias.value if node.alias else node.name.value
        value = data if data is Undefined else data.get(key)
        if isinstance(parent, GraphQLObjectType) and parent is self.schema.mutation_type:
            return MUTATION + self._selection(node.selection_set, named, value)
        if named.name.endswith("Connection"):
            return self._connection(node, definition, value)
        if is_list_type(getattr(definition.type, "of_type", definition.type)) or is_list_type(definition.type):
            return self._list(node, definition, named, value)
        return 0 if value is None else 1 + self._selection(node.selection_set, named, value)

    def _list(self, node: FieldNode, definition: Any, named: Any, value: Any) -> int:
        if named.name.endswith(("Error", "Warning")):
            return 0
        shown = [Undefined] if value is Undefined else [one for one in value or () if one is not None]
        cost = max((1 + self._selection(node.selection_set, named, one) for one in shown), default=0)
        # A list costs as one object, however long; but what is asked for by ids costs for each.
        ids = get_argument_values(definition, node, dict(self.variables)).get("ids", [None])
        return cost * (len(ids) if value is Undefined else min(len(ids), len(shown)))

    def _connection(self, node: FieldNode, definition: Any, value: Any) -> int:
        if value is None:
            return 0
        children, size = [0], 0
        arguments = get_argument_values(definition, node, dict(self.variables))
        for inner, data in self._nodes(node, get_named_type(definition.type), value):
            shown: Sequence[Any] = [Undefined] if data is Undefined else data
            size = max(size, arguments.get("first") or arguments.get("last") or 0) if data is Undefined else len(shown)
            children += [1 + self._selection(inner[0].selection_set, inner[1], one) for one in shown]
        return CONNECTION + _page(size) * max(children)

    def _nodes(self, node: FieldNode, connection: Any, value: Any) -> list[tuple[tuple[FieldNode, Any], Any]]:
        found = []
        for part in node.selection_set.selections if node.selection_set else ():
            if not isinstance(part, FieldNode) or part.name.value not in ("nodes", "edges"):
                continue
            data = value if value is Undefined else value[part.alias.value if part.alias else part.name.value]
            if part.name.value == "nodes":
                found.append(((part, get_named_type(connection.fields["nodes"].type)), data))
                continue
            edge = get_named_type(connection.fields["edges"].type)
            for leaf in part.selection_set.selections if part.selection_set else ():
                if isinstance(leaf, FieldNode) and leaf.name.value == "node":
                    key = leaf.alias.value if leaf.alias else "node"
                    nodes = data if data is Undefined else [one[key] for one in data]
                    found.append(((leaf, get_named_type(edge.fields["node"].type)), nodes))
        return found


@dataclass
class Bucket:
    """Leak at `restore_rate` points a second; a request is let in when its requested cost is there."""

    capacity: float
    restore_rate: float
    _level: float = -1.0
    _at: float = 0.0

    def available(self, now: float) -> float:
        if self._level < 0:
            self._level = self.capacity
        self._level = min(self.capacity, self._level + max(0.0, now - self._at) * self.restore_rate)
        self._at = now
        return self._level

    def take(self, points: float, now: float) -> None:
        self._level = self.available(now) - points

    def drain(self) -> None:
        """Empty the bucket, as a burst of another worker does."""
        self._level = 0.0

    def status(self, now: float) -> dict[str, float]:
        return {
            "maximumAvailable": self.capacity,
            "currentlyAvailable": int(self.available(now)),
            "restoreRate": self.restore_rate,
        }
