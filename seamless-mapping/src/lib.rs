//! Seamless mapping.
