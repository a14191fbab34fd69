//! What several recipes have in common.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::recipe::Recipe;

/// Lists that go before those of a recipe, which says what they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Common {
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    unpacked: Vec<String>,
    #[serde(default)]
    dropped: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    masked: BTreeMap<String, String>,
}

impl Common {
    /// Puts these lists before the recipe's own. What both mask, the recipe has the reason for.
    pub(super) fn go_into(self, recipe: &mut Recipe) {
        let lists = [
            (self.arguments, &mut recipe.arguments),
            (self.packages, &mut recipe.packages),
            (self.unpacked, &mut recipe.unpacked),
            (self.dropped, &mut recipe.dropped),
            (self.exclude, &mut recipe.exclude),
        ];
        for (common, own) in lists {
            own.splice(..0, common);
        }
        for (name, reason) in self.masked {
            recipe.masked.entry(name).or_insert(reason);
        }
    }
}
