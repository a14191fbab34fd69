//! What `assay gate` decides and says.

mod decision;
mod flake;
mod github;
mod place;
mod refusal;
