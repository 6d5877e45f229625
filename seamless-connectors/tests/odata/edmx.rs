//! Metadata documents: one fixture for each construct, and what is hostile.

use proptest::prelude::{any, proptest};
use seamless_connectors::odata::edmx::{Edmx, Expression, OperationKind, Scale, parse};
use seamless_core::ErrorKind;

use super::server::METADATA;

/// A document of version 4 with this inside its schema `crm`, alias `Self`.
pub(crate) fn document(inner: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.01" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
<edmx:Reference Uri="x"><edmx:Include Namespace="Org.OData.Core.V1" Alias="Core"/><edmx:Include Namespace="Org.OData.Validation.V1" Alias="Validation"/></edmx:Reference>
<edmx:DataServices><Schema Namespace="crm" Alias="Self" xmlns="http://docs.oasis-open.org/odata/ns/edm">{inner}</Schema></edmx:DataServices></edmx:Edmx>"#
    )
}

fn read(inner: &str) -> Edmx {
    parse(&document(inner)).unwrap()
}

#[test]
fn properties_have_their_facets() {
    let read = read(
        r#"<EntityType Name="T"><Key><PropertyRef Name="a"/></Key>
        <Property Name="a" Type="Edm.String" Nullable="false" MaxLength="20" DefaultValue="x&amp;y"/>
        <Property Name="b" Type="Edm.String" MaxLength="max"/>
        <Property Name="c" Type="Edm.Decimal" Precision="15" Scale="2"/>
        <Property Name="d" Type="Edm.Decimal" Scale="variable"/>
        <Property Name="e" Type="Collection(Self.T)"/>
        <Property Name="f" Type="Edm.DateTimeOffset" Precision="7"/></EntityType>"#,
    );
    let of = &read.entity_types["crm.T"];
    let [a, b, c, d, e, f] = &of.properties[..] else { panic!("{of:?}") };
    assert_eq!((a.nullable, a.length_max, a.default.as_deref()), (false, Some(20), Some("x&y")));
    assert_eq!((b.nullable, b.length_max), (true, None));
    assert_eq!((c.precision, c.scale, d.scale), (Some(15), Scale::Digits(2), Scale::Variable));
    assert!(e.kind.is_collection && e.kind.name == "crm.T");
    assert_eq!((f.precision, f.scale), (Some(7), Scale::Unsaid));
    assert_eq!((read.version.as_str(), of.key.as_slice()), ("4.01", ["a".to_owned()].as_slice()));
}

#[test]
fn base_types_give_keys_properties_and_navigation() {
    let read = read(
        r#"<EntityType Name="Base" Abstract="true"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.Int64"/></EntityType>
        <EntityType Name="Middle" BaseType="crm.Base" OpenType="true"><Property Name="m" Type="Edm.Byte"/>
        <NavigationProperty Name="up" Type="Self.Base" Nullable="false" Partner="down"><ReferentialConstraint Property="m" ReferencedProperty="id"/><OnDelete Action="Cascade"/></NavigationProperty></EntityType>
        <EntityType Name="Leaf" BaseType="Self.Middle" HasStream="true"><Property Name="l" Type="Edm.Guid"/></EntityType>"#,
    );
    assert_eq!(read.key("crm.Leaf"), ["id".to_owned()]);
    assert_eq!(read.properties("crm.Leaf").map(|of| of.name.as_str()).collect::<Vec<_>>(), ["id", "m", "l"]);
    let up = read.navigation("crm.Leaf").next().unwrap();
    assert_eq!(
        (up.kind.name.as_str(), up.nullable, up.partner.as_deref()),
        ("crm.Base", false, Some("down"))
    );
    assert_eq!((up.on_delete.as_deref(), up.constraints.len()), (Some("Cascade"), 1));
    let types = &read.entity_types;
    assert!(types["crm.Base"].is_abstract && types["crm.Middle"].is_open && types["crm.Leaf"].has_stream);
}

#[test]
fn enumerations_have_members_with_numbers_given_or_counted() {
    let read = read(
        r#"<EnumType Name="Plain"><Member Name="a"/><Member Name="b"/></EnumType>
        <EnumType Name="Given" UnderlyingType="Edm.Int64"><Member Name="_x0020_" Value="-5"/><Member Name="b" Value="9223372036854775807"/></EnumType>
        <EnumType Name="Flags" IsFlags="true"><Member Name="a" Value="1"/><Member Name="b" Value="2"/></EnumType>"#,
    );
    let values = |name: &str| read.enums[name].members.iter().map(|of| of.value).collect::<Vec<_>>();
    assert_eq!(values("crm.Plain"), [0, 1]);
    assert_eq!(values("crm.Given"), [-5, i64::MAX]);
    assert!(read.enums["crm.Flags"].is_flags && read.enums["crm.Given"].members[0].name == "_x0020_");
}

#[test]
fn complex_types_and_type_definitions_are_kept() {
    let read = read(
        r#"<ComplexType Name="Address"><Property Name="city" Type="Edm.String"/></ComplexType>
        <ComplexType Name="Swiss" BaseType="Self.Address"/><TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="15" Scale="2"/>"#,
    );
    assert_eq!(read.complex_types["crm.Swiss"].base.as_deref(), Some("crm.Address"));
    let money = &read.type_definitions["crm.Money"];
    assert_eq!((money.kind.name.as_str(), money.precision), ("Edm.Decimal", Some(15)));
    assert_eq!(read.property_count(), 1);
}

#[test]
fn a_container_has_sets_with_bindings_singletons_and_imports() {
    let read = read(
        r#"<EntityType Name="T"><Key><PropertyRef Name="a"/></Key><Property Name="a" Type="Edm.Int32"/></EntityType>
        <EntityContainer Name="C"><EntitySet Name="Ts" EntityType="Self.T"><NavigationPropertyBinding Path="up" Target="Us"/><NavigationPropertyBinding Path="x/y" Target="Other.C/Us"/></EntitySet>
        <Singleton Name="Me" Type="Self.T"/><ActionImport Name="Do" Action="Self.Do"/><FunctionImport Name="Get" Function="Self.Get" EntitySet="Ts"/></EntityContainer>"#,
    );
    let [set] = &read.entity_sets[..] else { panic!() };
    assert_eq!((set.name.as_str(), set.entity_type.as_str()), ("Ts", "crm.T"));
    assert_eq!(set.bindings.iter().map(|of| of.target.as_str()).collect::<Vec<_>>(), ["Us", "Us"]);
    assert_eq!(read.singletons[0].entity_type, "crm.T");
    let imports: Vec<_> = read.imports.iter().map(|of| (of.operation.as_str(), of.kind)).collect();
    assert_eq!(imports, [("crm.Do", OperationKind::Action), ("crm.Get", OperationKind::Function)]);
}

#[test]
fn actions_and_functions_are_bound_or_not() {
    let read = read(
        r#"<EntityType Name="T"><Key><PropertyRef Name="a"/></Key><Property Name="a" Type="Edm.Int32"/></EntityType>
        <Action Name="post" IsBound="true"><Parameter Name="it" Type="Self.T" Nullable="false"/></Action>
        <Action Name="post" IsBound="true"><Parameter Name="all" Type="Collection(Self.T)"/><ReturnType Type="Self.T"/></Action>
        <Function Name="ping"><Parameter Name="x" Type="Edm.String" Nullable="false"/><ReturnType Type="Collection(Edm.String)"/></Function>"#,
    );
    let [one, many, ping] = &read.operations[..] else { panic!() };
    assert!(one.is_bound && one.name == "crm.post" && one.returns.is_none() && !one.parameters[0].nullable);
    assert!(many.parameters[0].kind.is_collection && many.returns.as_ref().unwrap().name == "crm.T");
    assert!(
        !ping.is_bound
            && ping.kind == OperationKind::Function
            && ping.returns.as_ref().unwrap().is_collection
    );
}

#[test]
fn annotations_are_found_inline_and_out_of_line_by_the_full_names_of_their_terms() {
    let read = read(
        r#"<EntityType Name="T"><Key><PropertyRef Name="a"/></Key><Property Name="a" Type="Edm.Int32"><Annotation Term="Core.Computed"/></Property>
        <Property Name="k" Type="Edm.Int32"/></EntityType><EnumType Name="E"><Member Name="m"/></EnumType>
        <EntityContainer Name="C"><EntitySet Name="Ts" EntityType="crm.T"/></EntityContainer>
        <Annotations Target="Self.T/k"><Annotation Term="Validation.AllowedValues"><Collection>
          <Record><Annotation Term="Core.SymbolicName" String="one"/><PropertyValue Property="Value" Int="1"/></Record>
          <Record><PropertyValue Property="Value"><Int>2</Int></PropertyValue></Record></Collection></Annotation>
          <Annotation Term="Core.Permissions" EnumMember="Core.Permission/Read"/><Annotation Term="Core.Computed" Bool="false"/></Annotations>
        <Annotations Target="crm.C/Ts"><Annotation Term="Org.OData.Capabilities.V1.InsertRestrictions"><Record><PropertyValue Property="Insertable" Bool="false"/></Record></Annotation></Annotations>
        <Annotations Target="crm.E/m"><Annotation Term="Core.Description" String="a &lt;member&gt;"/></Annotations>
        <Annotations Target="crm.T" Qualifier="q"><Annotation Term="Core.Description"><String>long</String></Annotation></Annotations>
        <Annotations Target="crm.Nobody"><Annotation Term="Core.Computed"/></Annotations>"#,
    );
    let of = &read.entity_types["crm.T"];
    assert!(of.properties[0].annotations.has("Org.OData.Core.V1.Computed"));
    let notes = &of.properties[1].annotations;
    assert!(!notes.has("Org.OData.Core.V1.Computed"));
    assert_eq!(notes.text("Org.OData.Core.V1.Permissions"), Some("Read"));
    let values = notes.get("Org.OData.Validation.V1.AllowedValues").unwrap().items();
    let texts: Vec<_> = values.iter().map(|value| value.part("Value").unwrap().as_text().unwrap()).collect();
    assert_eq!(texts, ["1", "2"]);
    let Expression::Record { annotations, .. } = &values[0] else { panic!() };
    assert_eq!(annotations.text("Org.OData.Core.V1.SymbolicName"), Some("one"));
    let restricted = &read.entity_sets[0].annotations;
    assert!(restricted.denies("Org.OData.Capabilities.V1.InsertRestrictions", "Insertable"));
    assert!(!restricted.denies("Org.OData.Capabilities.V1.DeleteRestrictions", "Deletable"));
    assert_eq!(
        read.enums["crm.E"].members[0].annotations.text("Org.OData.Core.V1.Description"),
        Some("a <member>")
    );
    assert_eq!(of.annotations.text("Org.OData.Core.V1.Description#q"), Some("long"));
    assert_eq!(read.unplaced, ["crm.Nobody"]);
}

/// Version 2 says by associations and by attributes what version 4 says by types and annotations.
#[test]
fn older_versions_are_read_as_far_as_they_say_the_same() {
    let document = r#"<edmx:Edmx Version="1.0" xmlns:edmx="x" xmlns:m="m" xmlns:sap="s"><edmx:DataServices m:DataServiceVersion="2.0">
    <Schema Namespace="ns"><EntityType Name="Line"><Key><PropertyRef Name="Id"/><PropertyRef Name="Pos"/></Key>
    <Property Name="Id" Type="Edm.String" Nullable="false" MaxLength="10"/><Property Name="Pos" Type="Edm.Int32"/>
    <Property Name="Total" Type="Edm.Decimal" Precision="13" Scale="3" sap:label="Net value" sap:creatable="false" sap:updatable="false"/>
    <Property Name="Stamp" Type="Edm.DateTime" ConcurrencyMode="Fixed"/>
    <NavigationProperty Name="Order" Relationship="ns.A" FromRole="D" ToRole="P"/></EntityType>
    <EntityType Name="Order"><Key><PropertyRef Name="No"/></Key><Property Name="No" Type="Edm.String"/><NavigationProperty Name="Lines" Relationship="ns.A" FromRole="P" ToRole="D"/></EntityType>
    <Association Name="A"><End Type="ns.Order" Multiplicity="1" Role="P"/><End Type="ns.Line" Multiplicity="*" Role="D"/>
    <ReferentialConstraint><Principal Role="P"><PropertyRef Name="No"/></Principal><Dependent Role="D"><PropertyRef Name="Id"/></Dependent></ReferentialConstraint></Association>
    <EntityContainer Name="C"><EntitySet Name="Lines" EntityType="ns.Line" sap:deletable="false"/><FunctionImport Name="Release" m:HttpMethod="POST"/></EntityContainer>
    </Schema></edmx:DataServices></edmx:Edmx>"#;
    let read = parse(document).unwrap();
    assert!(read.version == "2.0" && !read.is_v4());
    let line = &read.entity_types["ns.Line"];
    let order = &line.navigation[0];
    assert_eq!(
        (order.kind.name.as_str(), order.kind.is_collection, order.nullable),
        ("ns.Order", false, false)
    );
    assert_eq!(
        (order.constraints[0].property.as_str(), order.constraints[0].referenced.as_str()),
        ("Id", "No")
    );
    let lines = &read.entity_types["ns.Order"].navigation[0];
    assert!(lines.kind.is_collection && lines.constraints.is_empty());
    let total = &line.properties[2].annotations;
    assert!(total.has("Org.OData.Core.V1.Computed") && line.properties[3].is_version);
    assert_eq!(total.text("com.sap.vocabularies.Common.v1.Label"), Some("Net value"));
    assert!(
        read.entity_sets[0].annotations.denies("Org.OData.Capabilities.V1.DeleteRestrictions", "Deletable")
    );
    assert_eq!(read.imports[0].kind, OperationKind::Action);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let types = |inner: &str| document(&format!("\n{inner}"));
    for (document, words) in [
        (types("<EntityType/>"), "Name"),
        (types(r#"<EntityType Name="T"><Property Name="a"/></EntityType>"#), "Type"),
        (
            types(
                r#"<EntityType Name="T"><Property Name="a" Type="Edm.String" MaxLength="long"/></EntityType>"#,
            ),
            "MaxLength",
        ),
        (
            types(
                r#"<EntityType Name="T"><Property Name="a" Type="Edm.String" Nullable="perhaps"/></EntityType>"#,
            ),
            "Nullable",
        ),
        (types(r#"<EntityType Name="T"/><ComplexType Name="T"/>"#), "already"),
        (
            types(r#"<EntityType Name="A" BaseType="crm.B"/><EntityType Name="B" BaseType="Self.A"/>"#),
            "own base",
        ),
        (types(r#"<EntityType Name="A" BaseType="crm.A"/>"#), "own base"),
        (types(r#"<EntityType Name="A" BaseType="crm.B"/>"#), "not there"),
        (types(r#"<EnumType Name="E"><Member Name="a" Value="x"/></EnumType>"#), "number"),
        (types(r#"<EnumType Name="E" IsFlags="true"><Member Name="a"/></EnumType>"#), "no value"),
        (types("&nbsp;"), "entity"),
        (types("<a></b>"), "XML"),
    ] {
        let error = parse(&document).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        let text = error.to_string();
        assert!(text.contains(words) && text.contains("line 4"), "{words}: {text}");
    }
    for (document, kind) in [
        (document(&"<a>".repeat(100)), ErrorKind::Limit),
        (r#"<!DOCTYPE x [<!ENTITY a "b">]><Edmx/>"#.to_owned(), ErrorKind::Data),
        ("<feed/>".to_owned(), ErrorKind::Data),
        (String::new(), ErrorKind::Data),
        ("<Edmx/><Edmx/>".to_owned(), ErrorKind::Data),
    ] {
        assert_eq!(parse(&document).unwrap_err().kind(), kind, "{document:.60}");
    }
}

/// The reader of XML is content with a document that ends anywhere.
#[test]
fn a_document_that_is_cut_off_anywhere_is_an_error() {
    let end = METADATA.len();
    for end in (0..end).filter(|end| METADATA.is_char_boundary(*end)) {
        assert!(parse(&METADATA[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(parse(METADATA).unwrap().entity_sets.len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), at in 0usize..1000, bytes in any::<Vec<u8>>()) {
        let _ = parse(&text);
        let mut damaged = METADATA.as_bytes().to_vec();
        let at = at % damaged.len();
        damaged.splice(at..at, bytes);
        let _ = parse(&String::from_utf8_lossy(&damaged));
    }
}
