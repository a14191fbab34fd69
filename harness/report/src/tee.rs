//! One listener that stands for several.

use std::sync::Arc;

use record::event::{Event, Listener};

/// Forwards every event to each listener, in order.
#[derive(Default)]
pub struct Tee(Vec<Arc<dyn Listener>>);

impl Tee {
    pub fn new(listeners: Vec<Arc<dyn Listener>>) -> Self {
        Self(listeners)
    }
}

impl Listener for Tee {
    fn hear(&self, event: &Event) {
        for listener in &self.0 {
            listener.hear(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use record::MachineKind;

    use super::*;
    use crate::{Purpose, Record};

    #[test]
    fn every_listener_hears_every_event() {
        let ears = [Arc::new(Record::new(Purpose::Run)), Arc::new(Record::new(Purpose::Run))];
        let tee = Tee::new(ears.iter().map(|ear| ear.clone() as Arc<dyn Listener>).collect());
        tee.hear(&Event::Planned { target: "omarchy".into(), machine: MachineKind::Vm, checks: vec![] });
        for ear in ears {
            assert_eq!(ear.run().target, "omarchy");
        }
    }
}
