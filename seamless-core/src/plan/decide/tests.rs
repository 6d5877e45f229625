//! What follows from a situation, case by case: as text, and with everything that an entry relies on.

mod fixture;
mod pairs;
mod partners;
mod suspects;
mod written;
