//! A service with accounts, as the server on loopback plays it: GUIDs as keys, a name of at most 20 characters, money, and a
//! version.

/// What it says of itself.
pub(crate) const METADATA: &str = r#"<?xml version="1.0"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="crm" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="Account"><Key><PropertyRef Name="id"/></Key>
<Property Name="id" Type="Edm.Guid" Nullable="false"/>
<Property Name="name" Type="Edm.String" MaxLength="20"/>
<Property Name="credit" Type="Edm.Decimal" Precision="15" Scale="2"/>
<Property Name="changed" Type="Edm.DateTimeOffset" Precision="3"><Annotation Term="Org.OData.Core.V1.Computed"/></Property>
</EntityType>
<EntityContainer Name="C"><EntitySet Name="Accounts" EntityType="crm.Account">
<Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"><Collection/></Annotation></EntitySet></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"#;

/// The id of a number, as the service writes it.
pub(crate) fn guid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// An account in JSON.
pub(crate) fn account(number: u64, name: &str) -> String {
    format!(
        r#"{{"@odata.etag":"W/\"{name}\"","id":"{}","name":"{name}","credit":"1.10","changed":"2024-01-01T00:00:00.000Z"}}"#,
        guid(number)
    )
}

/// A list of these.
pub(crate) fn list(rows: &[String], more: &str) -> String {
    format!(r#"{{"@odata.context":"$metadata#Accounts","value":[{}]{more}}}"#, rows.join(","))
}
