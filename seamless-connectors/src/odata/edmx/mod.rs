//! Metadata documents (`$metadata`, EDMX): what a service says of its entities, read into a tree of our own. Pure; knows no
//! service and no schema of ours ([`entity`](super::entity) makes one of it). The door is [`parse`].
//!
//! Read are versions 4.0 and 4.01, and 2.0 and 3.0 as far as they share it: entity types with their base types and keys,
//! properties with their facets, complex types, enumerations, type definitions, navigation with its referential
//! constraints (associations of the older versions too), entity sets with their bindings, singletons, actions, functions and their
//! imports, annotations inline and out of line. Names are qualified by namespace; aliases are resolved.
//!
//! A document comes from a server and can be anything: a document type (whose entities could blow it up) is refused, and
//! depth, size and number of elements have limits. Every error names a line.
//!
//! ```
//! use seamless_connectors::odata::edmx;
//!
//! let document = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
//!   <Schema Namespace="crm" xmlns="http://docs.oasis-open.org/odata/ns/edm">
//!     <EntityType Name="Account"><Key><PropertyRef Name="id"/></Key>
//!       <Property Name="id" Type="Edm.Guid" Nullable="false"/><Property Name="name" Type="Edm.String" MaxLength="160"/>
//!     </EntityType>
//!     <EntityContainer Name="C"><EntitySet Name="Accounts" EntityType="crm.Account"/></EntityContainer>
//!   </Schema></edmx:DataServices></edmx:Edmx>"#;
//! let read = edmx::parse(document)?;
//! let account = &read.entity_types["crm.Account"];
//! assert_eq!((account.key.as_slice(), account.properties[1].length_max), (["id".to_owned()].as_slice(), Some(160)));
//! let error = edmx::parse(&document[..300]).unwrap_err();
//! assert!(error.to_string().contains("line 4"), "{error}");
//! # Ok::<(), seamless_core::Error>(())
//! ```

mod annotations;
mod older;
mod place;
mod read;
mod tree;
mod xml;

pub use annotations::{Annotations, Expression};
pub use read::parse;
pub use tree::{
    Binding, ComplexType, Constraint, Edmx, EntitySet, EntityType, EnumMember, EnumType, Import, Navigation,
    Operation, OperationKind, Parameter, Property, Scale, Singleton, TypeRef,
};
pub use xml::{BYTES_MAX, DEPTH_MAX, ELEMENTS_MAX};
