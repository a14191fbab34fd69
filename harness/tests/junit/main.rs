//! Reports of every kind of producer, and what pretends to be one.

mod producers;
mod properties;
mod refused;
mod wanted;
