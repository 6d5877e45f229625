//! Seamless core.
