//! Metadata as a schema: kinds, options, references, what may be told, and what a set can do by what is noted of it.

use seamless_connectors::odata::{edmx::parse, entity};
use seamless_core::model::{Entity, FieldKind, Value};

use super::edmx::document;

const KEY: &str =
    r#"<Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Guid" Nullable="false"/>"#;

fn of(properties: &str, more: &str, noted: &str) -> Entity {
    let inner = format!(
        r#"<EntityType Name="T">{KEY}{properties}</EntityType>{more}
        <EntityContainer Name="C"><EntitySet Name="Ts" EntityType="crm.T">{noted}</EntitySet></EntityContainer>"#
    );
    entity(&parse(&document(&inner)).unwrap(), "Ts").unwrap().unwrap()
}

fn kind(kind: &str) -> Option<FieldKind> {
    of(&format!(r#"<Property Name="x" {kind}/>"#), "", "").field("x").map(|field| field.kind.clone())
}

#[test]
fn every_primitive_type_is_a_kind_of_field() {
    let decimal = |precision, scale| FieldKind::Decimal { precision, scale };
    for (written, is) in [
        (r#"Type="Edm.String" MaxLength="7""#, FieldKind::Text { length_max: Some(7) }),
        (r#"Type="Edm.Boolean""#, FieldKind::Bool),
        (r#"Type="Edm.Byte""#, FieldKind::Int),
        (r#"Type="Edm.Int64""#, FieldKind::Int),
        (r#"Type="Edm.Decimal" Precision="15" Scale="2""#, decimal(Some(15), Some(2))),
        (r#"Type="Edm.Decimal" Precision="15""#, decimal(Some(15), Some(0))),
        (r#"Type="Edm.Decimal" Scale="Variable""#, decimal(None, None)),
        (r#"Type="Edm.Decimal""#, decimal(None, None)),
        (r#"Type="Edm.Double""#, FieldKind::Float),
        (r#"Type="Edm.Guid""#, FieldKind::Text { length_max: Some(36) }),
        (r#"Type="Edm.Date""#, FieldKind::Date),
        (r#"Type="Edm.TimeOfDay""#, FieldKind::Time),
        (r#"Type="Edm.DateTimeOffset""#, FieldKind::Instant),
        (r#"Type="Edm.Duration""#, FieldKind::Text { length_max: None }),
        (r#"Type="Edm.Binary" MaxLength="9""#, FieldKind::Bytes { length_max: Some(9) }),
    ] {
        assert_eq!(kind(written), Some(is), "{written}");
    }
    for left_out in
        ["Edm.Stream", "Edm.GeographyPoint", "Collection(Edm.String)", "crm.Nothing", "Edm.Untyped"]
    {
        assert_eq!(kind(&format!(r#"Type="{left_out}""#)), None, "{left_out}");
    }
}

#[test]
fn enumerations_and_allowed_values_are_option_sets() {
    let entity = of(
        r#"<Property Name="e" Type="crm.E"/><Property Name="f" Type="crm.F"/><Property Name="m" Type="crm.Money"/>
        <Property Name="k" Type="Edm.Int32"><Annotation Term="Validation.AllowedValues"><Collection>
        <Record><Annotation Term="Core.SymbolicName" String="prospect"/><PropertyValue Property="Value" Int="1"/></Record></Collection></Annotation></Property>"#,
        r#"<EnumType Name="E"><Member Name="Draft"><Annotation Term="Core.Description" String="Not sent"/></Member><Member Name="Open"/></EnumType>
        <EnumType Name="F" IsFlags="true"><Member Name="a" Value="1"/></EnumType><TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="9" Scale="3"/>"#,
        "",
    );
    let FieldKind::Option { options } = &entity.field("e").unwrap().kind else { panic!() };
    assert!(options.closed && options.options[0].value == Value::text("Draft"));
    assert_eq!(options.options[0].label.as_deref(), Some("Not sent"));
    assert!(matches!(&entity.field("f").unwrap().kind, FieldKind::Set { .. }));
    let FieldKind::Option { options } = &entity.field("k").unwrap().kind else { panic!() };
    assert_eq!(
        (&options.options[0].value, options.options[0].label.as_deref()),
        (&Value::Int(1), Some("prospect"))
    );
    assert_eq!(entity.field("m").unwrap().kind, FieldKind::Decimal { precision: Some(9), scale: Some(3) });
}

#[test]
fn what_may_be_told_and_must_be_there_is_as_noted() {
    let entity = of(
        r#"<Property Name="a" Type="Edm.String" Nullable="false"/>
        <Property Name="b" Type="Edm.String" Nullable="false" DefaultValue="x"><Annotation Term="Core.Computed"/></Property>
        <Property Name="c" Type="Edm.String"><Annotation Term="Core.Permissions" EnumMember="Core.Permission/Read"/></Property>
        <Property Name="d" Type="Edm.String"><Annotation Term="com.sap.vocabularies.Common.v1.FieldControl" EnumMember="x/Mandatory"/><Annotation Term="com.sap.vocabularies.Common.v1.Label" String="Dee"/></Property>
        <Property Name="e" Type="Edm.Boolean" DefaultValue="true"/>"#,
        "",
        "",
    );
    let said = |name: &str| {
        let field = entity.field(name).unwrap();
        (field.required, field.read_only, field.computed)
    };
    assert_eq!(
        [said("a"), said("b"), said("c")],
        [(true, false, false), (false, true, true), (false, true, false)]
    );
    assert_eq!((said("d"), entity.field("d").unwrap().label.as_deref()), ((true, false, false), Some("Dee")));
    assert_eq!(entity.field("e").unwrap().default, Some(Value::Bool(true)));
}

#[test]
fn references_and_actions_and_alternate_keys_are_found() {
    let inner = format!(
        r#"<EntityType Name="Account">{KEY}<Property Name="no" Type="Edm.String" MaxLength="20"/></EntityType>
        <EntityType Name="Order">{KEY}<Property Name="acc" Type="Edm.Guid"/><Property Name="no" Type="Edm.String"/>
        <NavigationProperty Name="account" Type="Self.Account"><ReferentialConstraint Property="acc" ReferencedProperty="id"/></NavigationProperty>
        <NavigationProperty Name="byNo" Type="Self.Account"><ReferentialConstraint Property="no" ReferencedProperty="no"/></NavigationProperty>
        <Annotation Term="Core.AlternateKeys"><Collection><Record><PropertyValue Property="Key"><Collection><Record><PropertyValue Property="Name" PropertyPath="no"/></Record></Collection></PropertyValue></Record></Collection></Annotation></EntityType>
        <Action Name="release" IsBound="true"><Parameter Name="it" Type="Self.Order"/></Action>
        <Action Name="ship" IsBound="true"><Parameter Name="it" Type="Self.Order"/><Parameter Name="by" Type="Edm.String" Nullable="false"/></Action>
        <Action Name="all" IsBound="true"><Parameter Name="it" Type="Collection(Self.Order)"/></Action>
        <EntityContainer Name="C"><EntitySet Name="Accounts" EntityType="Self.Account"/><EntitySet Name="Orders" EntityType="Self.Order"/></EntityContainer>"#
    );
    let orders = entity(&parse(&document(&inner)).unwrap(), "Orders").unwrap().unwrap();
    assert_eq!(orders.field("acc").unwrap().kind, FieldKind::Reference { targets: vec!["Accounts".into()] });
    assert!(matches!(orders.field("no").unwrap().kind, FieldKind::Text { .. }), "it refers to no key");
    assert_eq!(orders.actions.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(), ["release"]);
    assert_eq!(orders.unique, [vec!["no".into()]]);
}
