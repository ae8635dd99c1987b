"""The result of a bulk query: one object a line, the nodes of its connections on lines of their own after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    parse,
)
from graphql.execution.values import get_argument_values

from tests.integrations.shopify import schema
from tests.integrations.shopify.stand_in import payloads
from tests.integrations.shopify.stand_in.connection import EVERYTHING, Connection
from tests.integrations.shopify.stand_in.model import BulkOperation
from tests.integrations.shopify.stand_in.reads import type_of, value_of

Row = Callable[[Any, list["Child"]], Any]


@dataclass(slots=True)
class Child:
    """Be a connection inside an object, whose nodes are lines of their own."""

    nodes: list[Any]
    row: Row


class Writer:
    """Compile a selection once to functions and run them over all objects; lines of children come after their parent's."""

    def __init__(self, operation: BulkOperation, file: IO[bytes]) -> None:
        self.operation, self.file = operation, file
        self.schema: GraphQLSchema = schema.load(operation.asker.version)
        document = parse(operation.query)
        self.fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        self.root = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))

    def write(self) -> None:
        tops: list[Child] = []
        self._object(self.root.selection_set, self.schema.query_type)(None, tops)
        for top in tops:
            self.operation.roots += len(top.nodes)
            self._level(top, None)

    def _level(self, child: Child, parent: str | None) -> None:
        """Write the nodes of a connection. Ungrouped, no child stands beside its parent: nothing is promised but the order."""
        later: list[tuple[Child, str]] = []
        for node in child.nodes:
            id = node["id"] if isinstance(node, Mapping) else node.gid
            inner: list[Child] = []
            made = child.row(node, inner)
            if parent is not None:
                made["__parentId"] = parent
            self.file.write(payloads.dumped(made) + b"\n")
            self.operation.objects += 1
            later += [(one, id) for one in inner]
            if self.operation.grouped:
                self._levels(later)
                later.clear()
        self._levels(later)

    def _levels(self, children: list[tuple[Child, str]]) -> None:
        for child, parent in children:
            self._level(child, parent)

    def _object(self, selections: SelectionSetNode, type_: Any) -> Row:
        fields: list[tuple[str | None, str, Callable[..., Any]]] = []
        self._collect(selections, type_, None, fields)
        abstract = not isinstance(type_, GraphQLObjectType)

        def row(source: Any, children: list[Child]) -> dict[str, Any]:
            name = type_of(source) if abstract else type_.name
            made: dict[str, Any] = {}
            for only, key, value in fields:
                if only is None or only == name:
                    got = value(source, name, children)
                    if not isinstance(got, Child):
                        made[key] = got
            return made

        return row

    def _collect(self, selections: SelectionSetNode, type_: Any, only: str | None, into: list[Any]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                into.append((only, key, self._field(node, type_)))
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)
            condition = fragment.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else type_
            narrow = inner.name if isinstance(inner, GraphQLObjectType) else only
            self._collect(fragment.selection_set, inner, narrow, into)

    def _field(self, node: FieldNode, type_: Any) -> Callable[..., Any]:
        name, context = node.name.value, self.operation.asker
        if name == "__typename":
            return lambda source, type_name, children: type_name
        definition = type_.fields[name]
        arguments: Mapping[str, Any] = get_argument_values(definition, node, {})
        named = get_named_type(definition.type)
        if named.name.endswith("Connection"):
            return self._connection(node, named, name, arguments)
        if not is_composite_type(named):
            return lambda source, type_name, children: value_of(source, type_name, name, context, arguments)
        assert node.selection_set is not None
        inner = self._object(node.selection_set, named)
        many = is_list_type(definition.type) or is_list_type(getattr(definition.type, "of_type", None))

        def value(source: Any, type_name: str, children: list[Child]) -> Any:
            got = value_of(source, type_name, name, context, arguments)
            if got is None or not many:
                return got and inner(got, children)
            return [inner(one, children) for one in got]

        return value

    def _connection(self, node: FieldNode, connection: Any, name: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
        row = self._node_row(node, connection)
        context = self.operation.asker

        def value(source: Any, type_name: str, children: list[Child]) -> Child:
            got: Connection = value_of(source, type_name, name, context, {**arguments, "first": EVERYTHING})
            children.append(Child(got.items, row))
            return children[-1]

        return value

    def _node_row(self, node: FieldNode, connection: Any) -> Row:
        assert node.selection_set is not None
        for part in node.selection_set.selections:
            if isinstance(part, FieldNode) and part.name.value == "nodes" and part.selection_set:
                return self._object(part.selection_set, get_named_type(connection.fields["nodes"].type))
            if isinstance(part, FieldNode) and part.name.value == "edges" and part.selection_set:
                edge = get_named_type(connection.fields["edges"].type)
                for leaf in part.selection_set.selections:
                    if isinstance(leaf, FieldNode) and leaf.name.value == "node" and leaf.selection_set:
                        return self._object(leaf.selection_set, get_named_type(edge.fields["node"].type))
        return lambda source, children: {}
