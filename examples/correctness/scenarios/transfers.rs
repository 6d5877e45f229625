//! What one transfer between two records copies, and what it calls changed.

use super::Scenario;

const FILE: &str = "IntegrationRecordSynchTest";

pub(super) const ROWS: &[Scenario] = &[
    Scenario {
        file: FILE,
        test: "VerifyTransferFieldsNewRecord",
        situation: "A record has no partner: it is made with every mapped field",
        mapping: "to-right",
        script: "left c1 name=A fax=1 home=one; sync; sync",
        theirs: "-> c1 created / nothing",
        ours: "-> c1 created / nothing",
    },
    Scenario {
        file: FILE,
        test: "VerifyTransferFieldsExistingRecord",
        situation: "The second transfer finds nothing, the third one field",
        mapping: "to-right",
        script: "left c1 name=A fax=1; couple; sync; left c1 name=B; sync",
        theirs: "nothing / -> c1 name=B",
        ours: "nothing / -> c1 name=B",
    },
    Scenario {
        file: FILE,
        test: "VerifyModifiedFlagsAfterFieldsTransferWithUnchangedUnmappedField",
        situation: "Both sides are saved, and the field that differs is not mapped",
        mapping: "two-way, fax unmapped",
        script: "left c1 name=A fax=1; right c1 name=A fax=2; couple; left touch c1; right touch c1; sync",
        theirs: "nothing",
        ours: "nothing",
    },
    Scenario {
        file: FILE,
        test: "VerifyModifiedFlagsAfterFieldsTransferWithChangedUnidirectionalField",
        situation: "The left is saved, the right writes a field that goes to the right only",
        mapping: "two-way, fax to-right, overwrite",
        script: "both c1 name=A fax=1; couple; left touch c1; right c1 fax=2; sync",
        theirs: "-> c1 fax=1",
        ours: "-> c1 fax=1",
    },
    Scenario {
        file: FILE,
        test: "VerifyModifiedFlagsAfterFieldsTransferWithUnchangedUnidirectionalField",
        situation: "Both sides are saved, and the field that goes one way is the same",
        mapping: "two-way, fax to-right, overwrite",
        script: "both c1 name=A fax=1; couple; left touch c1; right touch c1; sync",
        theirs: "nothing",
        ours: "nothing",
    },
    Scenario {
        file: FILE,
        test: "VerifyModifiedFlagsAfterFieldsTransferWithChangedBidirectionalField",
        situation: "The left is saved, the right writes a two-way field",
        mapping: "two-way",
        script: "both c1 name=A fax=1; couple; left touch c1; right c1 fax=2; sync",
        theirs: "conflict c1: fax",
        ours: "<- c1 fax=2",
    },
    Scenario {
        file: FILE,
        test: "VerifyModifiedFlagsAfterFieldsTransferWithUnchangedBidirectionalField",
        situation: "Both sides are saved, and the two-way field is the same",
        mapping: "two-way",
        script: "both c1 name=A fax=1; couple; left touch c1; right touch c1; sync",
        theirs: "nothing",
        ours: "nothing",
    },
];
