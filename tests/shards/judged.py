"""The flow `judged` of the folder that BUTTERMILK_CONFIG_DIR names, as a deployment finds it."""

from flows.deploy.declared import declare

judged = declare("judged")
