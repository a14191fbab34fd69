//! Boots, forks and breaks whole machines.
