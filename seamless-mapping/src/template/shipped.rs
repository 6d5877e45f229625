//! The templates that come with the library. The door is [`shipped`].

/// A template that comes with the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The name of its file, for findings about it.
    pub name: &'static str,
    /// Its text, to be read by [`Template::read`](super::Template::read).
    pub text: &'static str,
}

/// The templates that come with the library, in the order of their names.
pub fn shipped() -> &'static [Shipped] {
    &[
        Shipped { name: "address-book.yaml", text: include_str!("../../templates/address-book.yaml") },
        Shipped {
            name: "dynamics365-sales--business-central.yaml",
            text: include_str!("../../templates/dynamics365-sales--business-central.yaml"),
        },
        Shipped { name: "price-list.yaml", text: include_str!("../../templates/price-list.yaml") },
    ]
}
