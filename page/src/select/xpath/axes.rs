//! Walks the axes of a node and tests the nodes on them.

use super::ast::{Axis, NodeTest};
use super::document::XPathDocument;
use super::value::XPathNode;
use crate::error::ReadError;
use crate::tree::{NodeId, Tree};

/// Calls `visit` for each node on an axis, in the order of the axis: reverse axes in reverse document order.
pub(super) fn visit_axis(
    tree: &Tree,
    axis: Axis,
    node: XPathNode,
    mut visit: impl FnMut(XPathNode) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let id = node.id;
    if node.attribute.is_some() {
        return visit_axis_of_attribute(tree, axis, node, visit);
    }
    let mut all = |ids: &mut dyn Iterator<Item = NodeId>| ids.map(XPathNode::node).try_for_each(&mut visit);
    match axis {
        Axis::SelfNode => all(&mut std::iter::once(id)),
        Axis::Child => all(&mut tree.children(id)),
        Axis::Descendant => all(&mut tree.descendants(id).skip(1)),
        Axis::DescendantOrSelf => all(&mut tree.descendants(id)),
        Axis::Parent => all(&mut tree.parent(id).into_iter()),
        Axis::Ancestor => all(&mut tree.ancestors(id)),
        Axis::AncestorOrSelf => all(&mut std::iter::once(id).chain(tree.ancestors(id))),
        Axis::FollowingSibling => all(&mut tree.siblings_after(id)),
        Axis::PrecedingSibling => all(&mut tree.siblings_before(id)),
        Axis::Following => {
            let above = std::iter::once(id).chain(tree.ancestors(id));
            all(&mut above.flat_map(|id| tree.siblings_after(id)).flat_map(|id| tree.descendants(id)))
        }
        Axis::Preceding => {
            let above = std::iter::once(id).chain(tree.ancestors(id));
            let reversed = |id: NodeId| tree.descendants(id).collect::<Vec<_>>().into_iter().rev();
            all(&mut above.flat_map(|id| tree.siblings_before(id)).flat_map(reversed))
        }
        Axis::Attribute => {
            let count = tree.element(id).map_or(0, |element| element.attrs.len() as u32);
            (0..count).map(|index| XPathNode { id, attribute: Some(index) }).try_for_each(visit)
        }
    }
}

fn visit_axis_of_attribute(
    tree: &Tree,
    axis: Axis,
    node: XPathNode,
    mut visit: impl FnMut(XPathNode) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let owners = || std::iter::once(node.id).chain(tree.ancestors(node.id)).map(XPathNode::node);
    match axis {
        Axis::SelfNode | Axis::DescendantOrSelf => visit(node),
        Axis::Parent => visit(XPathNode::node(node.id)),
        Axis::Ancestor => owners().try_for_each(visit),
        Axis::AncestorOrSelf => {
            visit(node)?;
            owners().try_for_each(visit)
        }
        _ => Ok(()),
    }
}

/// Whether the nodes of an axis must be sorted to be in document order.
pub(super) fn needs_sorting(axis: Axis) -> bool {
    matches!(axis, Axis::Ancestor | Axis::AncestorOrSelf | Axis::Preceding | Axis::PrecedingSibling | Axis::Following)
}

/// Whether a node on an axis passes a node test.
pub(super) fn passes(page: &XPathDocument, test: &NodeTest, axis: Axis, node: XPathNode) -> bool {
    let tree = page.tree;
    match test {
        NodeTest::AnyNode => true,
        NodeTest::Nothing => false,
        NodeTest::Text => node.attribute.is_none() && tree.text(node.id).is_some(),
        NodeTest::AnyName => axis == Axis::Attribute || node.attribute.is_none() && tree.element(node.id).is_some(),
        NodeTest::Name(name) => page.name(node) == Some(name),
    }
}
