//! Where the machines of a run come from: from one lab, or from two where some checks need what only one of them has.

use std::sync::Arc;

use record::Need;

use super::Lab;

/// The labs of one target.
#[derive(Clone)]
pub struct Sources {
    lab: Arc<Lab>,
    /// For checks that let time run ahead, where the other's machines cannot.
    lapsing: Option<Arc<Lab>>,
}

impl Sources {
    pub fn one(lab: Lab) -> Sources {
        Sources { lab: Arc::new(lab), lapsing: None }
    }

    pub fn two(lab: Lab, lapsing: Lab) -> Sources {
        Sources { lab: Arc::new(lab), lapsing: Some(Arc::new(lapsing)) }
    }

    /// Where a check has its machines from.
    pub fn of(&self, needs: &[Need]) -> &Arc<Lab> {
        match &self.lapsing {
            Some(lapsing) if needs.contains(&Need::Lapse) => lapsing,
            _ => &self.lab,
        }
    }

    /// Has what was begun for all checks end.
    pub async fn close(&self) {
        self.lab.close().await;
    }

    pub fn target(&self) -> &str {
        self.lab.target()
    }
}
