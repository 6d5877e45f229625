//! Tests of the same four files that are not among the scenarios, by reason. The door is [`LEFT_OUT`].

/// Why, and which tests.
pub(crate) type Reason = (&'static str, &'static [&'static str]);

pub(crate) const LEFT_OUT: &[Reason] = &[
    (
        "their log, their queue, their screens",
        &[
            "MappingPageInvokeSynchonizeAllClearsModifiedOnDateTimes",
            "LogSynchErrorForBothExistingRecords",
            "LogSynchErrorForBothNotExistingRecords",
            "LogSynchErrorForNorExistingSource",
            "LogSynchErrorForNorExistingDestination",
            "SyncResourceFromResourceListPage",
            "SyncMultipleCustomers",
            "SyncSalespersonsSequently",
            "SynchZeroItemsPopulatesDefaultSynchDirectionToMatchMapping",
            "BidirectionalSynchCreatesTwoJobs",
            "BrokenConnectionOnRunIntegrationTableSync",
        ],
    ),
    (
        "their hooks for extensions",
        &[
            "UnchangedButModifiedByCallbackRowFromIntegrationTable",
            "SynchronizeSucceedsWithLoggedErrorWhenFindCoupledRecordEventFails",
            "SyncModifiedCustomerWithAdditionalNonMappedFieldToCRM",
        ],
    ),
    (
        "wrong arguments and set-up of their own calls",
        &[
            "MissingFieldMappingFailsHard",
            "SynchRecordsMustBeToOrFromIntegrationTable",
            "VerifyTransferFieldsFailOnMissingParameters",
            "SynchInvalidViewCausesError",
            "CRMSetupDefaultMakesCustomerCountryCodeMappingDirectionBidirectional",
            "SplitTableFilterUnexpectedChar",
            "SplitTableFilterNothingToSplit",
            "SplitTableFilterIntoChunks",
        ],
    ),
    (
        "templates for new records, option tables and worked-out fields of their product",
        &[
            "ConfigTemplateIsAppliedIfPresent",
            "MissingConfigTemplateThrowsError",
            "MultiTableConfigTemplate",
            "MultiTableConfigTemplateWithPriority",
            "CanTransferCalculatedFields",
            "SyncSingleCustomerCRMOptionFieldMapped",
            "SyncSingleAccountCRMOptionFieldMapped",
        ],
    ),
    (
        "where their stamps stand after a job in which nothing is written or all is well",
        &[
            "LastSyncTimeNotUpdatedIfNothingToSyncCRMClockSynced",
            "LastSyncTimeNotUpdatedIfNothingToSyncCRMClockBehind",
            "LastSyncTimeNotUpdatedIfNothingToSyncCRMClockAhead",
            "LastSyncTimeUpdatedCorrectlyWhenSyncSucceedCRMClockSynced",
            "LastSyncTimeUpdatedCorrectlyWhenSyncSucceedCRMClockBehind",
            "LastSyncTimeUpdatedCorrectlyWhenSyncSucceedCRMClockAhead",
        ],
    ),
    (
        "more than one kind of record; the scenarios have one",
        &[
            "TestSynchronizeContactAfterSyncCustomer",
            "LastSyncTimeUpdatedCorrectlyAfterFixingCustomerPrimaryContactNoCRMClockSynced",
            "LastSyncTimeUpdatedCorrectlyAfterFixingCustomerPrimaryContactNoCRMClockBehind",
            "LastSyncTimeUpdatedCorrectlyAfterFixingCustomerPrimaryContactNoCRMClockAhead",
            "LastSyncTimeUpdatedCorrectlyAfterFixingAccountPrimaryContactIdCRMClockSynced",
            "LastSyncTimeUpdatedCorrectlyAfterFixingAccountPrimaryContactIdCRMClockBehind",
            "LastSyncTimeUpdatedCorrectlyAfterFixingAccountPrimaryContactIdCRMClockAhead",
            "SyncNewCustPriceGrWithTwoSalesPrices",
            "SyncNewPriceListHeaderWithTwoLines",
            "SyncNewPriceListHeaderWithTwoLinesWithUnitGroupEnabled",
            "SyncModifiedSalesPriceIfCustPriceGroupIsNotCoupled",
            "SyncModifiedPriceListLineIfPriceListHeaderIsNotCoupled",
            "SyncDuplicateSalesPriceShouldCoupleRecords",
            "SyncDuplicatePriceListLineShouldCoupleRecords",
            "SyncPriceListForDecoupledItemShouldFail",
            "SyncPriceListLineForDecoupledItemShouldFail",
            "SyncItemUnitPriceIfCustPriceGroupExists",
            "SyncItemUnitPriceIfPriceListHeaderExists",
        ],
    ),
];
