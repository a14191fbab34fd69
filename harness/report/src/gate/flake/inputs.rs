//! All inputs of a flake by their paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lock::{Flaw, Link, Node};

/// The most inputs of a flake, those of its inputs counted too.
pub const INPUT_LIMIT: usize = 10_000;
/// The most steps along the paths that inputs follow, all together.
const STEP_LIMIT: usize = 100_000;
/// How deep inputs may be nested, and how often an input may follow one that follows.
pub const DEPTH_LIMIT: usize = 32;
/// The most of an input's name, in bytes.
pub const NAME_LIMIT: usize = 256;

/// All inputs that can be reached, by their paths.
pub type Inputs = BTreeMap<String, Input>;

/// An input, and what it leads to in the end.
#[derive(Debug)]
pub struct Input {
    pub link: Link,
    pub node: Arc<Node>,
    /// Whether it is the flake's own, not one of an input's.
    pub direct: bool,
}

/// Nodes, and the steps that may still be taken among them.
struct Walk<'a> {
    nodes: &'a BTreeMap<String, Arc<Node>>,
    root: &'a str,
    steps: usize,
}

/// Every input that can be reached from `root`, by its path as Nix prints it: `home-manager/nixpkgs`.
pub fn inputs(nodes: &BTreeMap<String, Arc<Node>>, root: &str) -> Result<Inputs, Flaw> {
    let mut walk = Walk { nodes, root, steps: STEP_LIMIT };
    let mut inputs = Inputs::new();
    let mut open = vec![(String::new(), walk.node(root)?, 0)];
    while let Some((path, parent, depth)) = open.pop() {
        if depth > DEPTH_LIMIT {
            return Err(Flaw::TooDeep);
        }
        for (name, link) in &parent.inputs {
            if name.len() > NAME_LIMIT {
                return Err(Flaw::NameTooLong);
            }
            if inputs.len() == INPUT_LIMIT {
                return Err(Flaw::TooMany);
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let node = match link {
                Link::Node(name) => walk.node(name)?,
                Link::Follows(target) => walk
                    .follow(target, DEPTH_LIMIT)
                    .ok_or_else(|| Flaw::NoPath { input: path.clone(), path: target.join("/") })?,
            };
            // What is followed is reached by its own path.
            if let Link::Node(_) = link {
                open.push((path.clone(), node, depth + 1));
            }
            inputs.insert(path, Input { link: link.clone(), node: node.clone(), direct: depth == 0 });
        }
    }
    Ok(inputs)
}

impl<'a> Walk<'a> {
    fn node(&self, name: &str) -> Result<&'a Arc<Node>, Flaw> {
        self.nodes.get(name).ok_or_else(|| Flaw::NoNode(name.into()))
    }

    /// The node at the end of a path of inputs, each of which may follow a path itself.
    fn follow(&mut self, path: &[String], depth: usize) -> Option<&'a Arc<Node>> {
        let depth = depth.checked_sub(1)?;
        let mut node = self.nodes.get(self.root)?;
        for name in path {
            self.steps = self.steps.checked_sub(1)?;
            node = match node.inputs.get(name)? {
                Link::Node(name) => self.nodes.get(name)?,
                Link::Follows(path) => self.follow(path, depth)?,
            };
        }
        Some(node)
    }
}
