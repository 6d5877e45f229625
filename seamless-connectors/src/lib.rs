//! Seamless connectors.
